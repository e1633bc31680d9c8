-- Writes what an order makes of a device, and the history of ownership with it. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer text, @status text or null: as it is
-- locks: the rows of the device
with kept as (
    insert into device (device_id, protocol, offering, product, customer, status)
    values (@id, @protocol, @offering, @product, @customer, coalesce(@status, 'active'))
        on conflict (device_id) do update
       set protocol = excluded.protocol, offering = excluded.offering, product = excluded.product, customer = excluded.customer,
           status = coalesce(@status, device.status), retired_at = case when coalesce(@status, device.status) = 'retired' then coalesce(device.retired_at, now()) end
), ended as (
    update ownership set to_at = now() where device_id = @id and to_at is null and customer <> @customer
)
insert into ownership (device_id, customer, from_at)
select @id, @customer, now()
 where @customer <> ''
   and not exists (select from ownership where device_id = @id and customer = @customer and to_at is null);
