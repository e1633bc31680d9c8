-- What a device was last ordered to be; of a DP2 device without orders, what its row says, which has no region (a DP1 device's offset stands in orders only).
-- in:    @device text
-- out:   target text (JSON)
-- plan:  a few rows of device_order_device, one probe of device
select coalesce(
    (select target from device_order
      where device_id = @device and target is not null and phase in ('done', 'doing', 'waiting')
      order by order_no desc limit 1),
    (select jsonb_build_object('id', device_id, 'protocol', protocol, 'offering', offering, 'product', product, 'customer', customer, 'region', '')
       from device
      where device_id = @device and protocol = 'dp2' and product <> '' and customer <> '' and status <> 'retired'))::text as target;
