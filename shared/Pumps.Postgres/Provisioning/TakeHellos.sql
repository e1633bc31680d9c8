-- Keeps what devices said of themselves: with their open orders, which become due, and with their rows.
-- in:    @devices text[] without repeats, @hellos jsonb[], @now timestamptz
-- locks: the open orders of these devices and rows that change until commit, in the order of their ids
-- plan:  one probe of device_order_open and one of device per device
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
), changed as (
    select d.device_key, said.hello
      from said
      join device d on d.device_id = said.device_id
     where (coalesce(said.hello ->> 'model', d.model), coalesce(said.hello ->> 'firmware', d.firmware)) is distinct from (d.model, d.firmware)
     order by d.device_key
       for update of d
), told as (
    update device d
       set model = coalesce(changed.hello ->> 'model', d.model), firmware = coalesce(changed.hello ->> 'firmware', d.firmware)
      from changed
     where d.device_key = changed.device_key
)
update device_order o
   set hello = said.hello, version = version + 1, due_at = @now, lease_until = null
  from mine, said
 where o.order_id = mine.order_id
   and said.device_id = o.device_id;
