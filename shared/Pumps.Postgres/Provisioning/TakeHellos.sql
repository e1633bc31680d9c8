-- Keeps what devices said of themselves with their open orders, and makes those due. A device without an open order needs nothing.
-- in:    @devices text[], @hellos jsonb[], @now timestamptz
-- locks: the open orders of these devices until commit, in the order of their ids
-- plan:  one probe of device_order_open per device
with said as (
    select * from unnest(@devices, @hellos) as s (device_id, hello)
), mine as (
    select o.order_id
      from device_order o
     where o.closed_at is null
       and o.kind = 'provision'
       and o.device_id = any(@devices)
     order by o.order_id
       for update
)
update device_order o
   set hello = said.hello, version = version + 1, due_at = @now, lease_until = null
  from mine, said
 where o.order_id = mine.order_id
   and said.device_id = o.device_id;
