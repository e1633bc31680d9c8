-- Orders, newest first.
-- in:    @device, @phase text or null, @before bigint, @limit int
-- out:   as PlaceOrder.sql
-- plan:  a range of device_order_device, or of device_order_no
select order_id, order_no, device_id, target::text as target, origin, state::text as state, version, hello::text as hello, confirmed, cancelled, created_at, closed_at, site_id
  from device_order
 where order_no < @before
   and (@device::text is null or device_id = @device)
   and (@phase::text is null or phase = @phase)
 order by order_no desc
 limit @limit;
