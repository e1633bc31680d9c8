-- Writes what an order makes of a device; the history of ownership follows by the table's triggers. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer text, @status text or null: as it is, @site text or null: as it is, as far as the owner is the same
--        (a site that is gone since the order was placed is none)
-- locks: the device's row
insert into device (device_id, protocol, offering, product, customer, status, site_id)
values (@id, @protocol, @offering, @product, @customer, coalesce(@status, 'active'),
        (select s.site_id from site s where s.customer = @customer and s.site_id = @site))
    on conflict (device_id) do update
   set protocol = excluded.protocol, offering = excluded.offering, product = excluded.product, customer = excluded.customer,
       status = coalesce(@status, device.status), site_id = coalesce(excluded.site_id, device.site_id),
       retired_at = case when coalesce(@status, device.status) = 'retired' then coalesce(device.retired_at, now()) end;
