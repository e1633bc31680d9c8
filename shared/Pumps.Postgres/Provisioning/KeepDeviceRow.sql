-- Writes what an order makes of a device; the history of ownership follows by the table's triggers. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer text, @status text or null: as it is
-- locks: the device's row
insert into device (device_id, protocol, offering, product, customer, status)
values (@id, @protocol, @offering, @product, @customer, coalesce(@status, 'active'))
    on conflict (device_id) do update
   set protocol = excluded.protocol, offering = excluded.offering, product = excluded.product, customer = excluded.customer,
       status = coalesce(@status, device.status),
       retired_at = case when coalesce(@status, device.status) = 'retired' then coalesce(device.retired_at, now()) end;
