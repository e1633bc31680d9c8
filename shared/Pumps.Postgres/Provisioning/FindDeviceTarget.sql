-- What a device was last ordered to be; of a device without orders, what its row says, which has no region. The offset of a DP1 device is the one to
-- which its clock was set since, if it was; without that it stands in orders only.
-- in:    @device text
-- out:   target text (JSON)
-- plan:  a few rows of device_order_device, one probe of device and device_clock
select (coalesce(
    (select target from device_order
      where device_id = @device and target is not null and phase in ('done', 'doing', 'waiting')
      order by order_no desc limit 1),
    (select jsonb_build_object('id', device_id, 'protocol', protocol, 'offering', offering, 'product', product, 'customer', customer, 'region', '')
       from device
      where device_id = @device and (protocol = 'dp2' or c.utc_offset is not null) and product <> '' and customer <> '' and status <> 'retired'))
    || case when c.utc_offset is null then '{}' else jsonb_build_object('utcOffsetMinutes', c.utc_offset) end)::text as target
  from (select (select utc_offset from device_clock where device_id = @device) as utc_offset) c;
