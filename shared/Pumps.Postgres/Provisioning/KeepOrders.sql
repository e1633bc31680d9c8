-- Keeps new states, but for orders that somebody has changed since they were read. The lease stays while there is something to do at once.
-- in:    @ids text[], @versions bigint[], @phases text[], @states jsonb[], @dues timestamptz[], @now timestamptz
-- out:   as PlaceOrder.sql
-- locks: the rows until commit, in the order of their ids
-- plan:  one probe per order
with mine as (
    select order_id, version from device_order where order_id = any(@ids) order by order_id for update
), kept as (
    select * from unnest(@ids, @versions, @phases, @states, @dues) as k (id, version, phase, state, due_at)
)
update device_order o
   set state = kept.state,
       phase = kept.phase,
       due_at = kept.due_at,
       version = o.version + 1,
       lease_until = case when kept.due_at <= @now then o.lease_until end,
       closed_at = case when kept.due_at is null then @now end
  from mine, kept
 where o.order_id = mine.order_id
   and kept.id = mine.order_id
   and kept.version = mine.version
returning o.order_id, o.order_no, o.device_id, o.target::text as target, o.origin, o.state::text as state, o.version, o.hello::text as hello, o.confirmed,
          o.cancelled, o.created_at, o.closed_at, o.site_id;
