-- One order.
-- in:    @id text
-- out:   as PlaceOrder.sql
-- plan:  one probe
select order_id, order_no, device_id, target::text as target, origin, state::text as state, version, hello::text as hello, confirmed, cancelled, created_at, closed_at, site_id
  from device_order
 where order_id = @id;
