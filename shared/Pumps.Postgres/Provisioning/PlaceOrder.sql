-- Places an order unless its id is known or its device has another one that is not over. Safe to repeat.
-- in:    @id, @device, @customer, @kind, @origin, @phase text, @site text?, @target, @state jsonb, @at timestamptz
-- out:   placed boolean and the order that stands there now; no row when another one came in at this moment: ask again
-- locks: the new row until commit
with placed as (
    insert into device_order (order_id, device_id, customer, kind, target, origin, phase, state, due_at, created_at, site_id)
    values (@id, @device, @customer, @kind, @target::jsonb, @origin, @phase, @state::jsonb, @at, @at, @site)
        on conflict do nothing
 returning *
)
select true as placed, order_id, order_no, device_id, target::text as target, origin, state::text as state, version, hello::text as hello,
       confirmed, cancelled, created_at, closed_at, site_id
  from placed
 union all
(select false, o.order_id, o.order_no, o.device_id, o.target::text, o.origin, o.state::text, o.version, o.hello::text, o.confirmed, o.cancelled, o.created_at, o.closed_at, o.site_id
   from device_order o
  where not exists (select from placed)
    and (o.order_id = @id or o.device_id = @device and o.closed_at is null)
  order by o.order_id = @id desc
  limit 1);
