-- What became of orders, and the endings of the runs that began.
-- in:    arrays, pairwise: @devices, @ids text, @planned timestamptz, @endings boolean, @states text, @reasons text or null, @commands text or null,
--        @ends timestamptz or null; @now timestamptz
-- locks: these orders, which the caller has in hand
with outcome as (
    select * from unnest(@devices, @ids, @planned, @endings, @states, @reasons, @commands, @ends)
        as n(device_id, schedule_id, planned_at, ending, state, reason, command_id, end_at)
), ended as (
    insert into schedule_order (device_id, schedule_id, planned_at, ending, customer, plan, due_at, state, changed_at)
    select o.device_id, o.schedule_id, o.planned_at, true, o.customer, o.plan, n.end_at, 'due', @now
      from outcome n
      join schedule_order o on o.device_id = n.device_id and o.schedule_id = n.schedule_id and o.planned_at = n.planned_at and o.ending = n.ending
     where n.end_at is not null
        on conflict (device_id, schedule_id, planned_at, ending) do nothing
)
update schedule_order o
   set state = n.state, reason = n.reason, command_id = n.command_id, changed_at = @now
  from outcome n
 where o.device_id = n.device_id and o.schedule_id = n.schedule_id and o.planned_at = n.planned_at and o.ending = n.ending;
