-- What provisioning knows of a device; the newest word wins. Safe to repeat.
-- in:    @id text, @protocol text, @offering text, @product text, @customer text
-- locks: the device's row
insert into device (device_id, protocol, offering, product, customer)
values (@id, @protocol, @offering, @product, @customer)
    on conflict (device_id) do update
   set protocol = excluded.protocol, offering = excluded.offering, product = excluded.product, customer = excluded.customer;
