-- Devices in service by offering and product: all, the connected ones, those that have fallen silent.
-- in:    @products text[], @silent_before timestamptz[]: when devices of a product must have spoken last; @otherwise timestamptz: of other products
-- out:   offering text, product text, active bigint, connected bigint, silent bigint
-- plan:  reads device, device_connection and latest whole, and keeps of latest only who may be silent: for a timer, not for a request. No index
--        helps: one on seen_at would take every update of latest out of its page (0004), which costs more than this
select d.offering, coalesce(nullif(d.product, ''), 'unknown') as product, count(*) as active,
       count(*) filter (where c.phase <> 'offline') as connected,
       count(*) filter (where l.seen_at < coalesce(p.silent_before, @otherwise)) as silent
  from device d
  left join device_connection c on c.device_id = d.device_id
  left join latest l on l.device_key = d.device_key and l.seen_at < (select greatest(@otherwise, max(newest)) from unnest(@silent_before) newest)
  left join unnest(@products, @silent_before) as p (product, silent_before) on p.product = d.product
 where d.status = 'active'
 group by 1, 2;
