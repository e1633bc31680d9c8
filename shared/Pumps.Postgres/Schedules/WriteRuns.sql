-- Decided runs, and an order for every device of each that is not missed. A run that is there already stays as it is, with its orders.
-- in:    arrays, pairwise: @ids, @customers text, @devices, @sites text or null, @plans jsonb, @planned timestamptz, @times timestamp, @verdicts text;
--        @now timestamptz
-- locks: the new rows
-- plan:  a probe per run, a range of device by site for a site's
with given as (
    select * from unnest(@ids, @customers, @devices, @sites, @plans, @planned, @times, @verdicts)
        as g(schedule_id, customer, device_id, site_id, plan, planned_at, planned_time, verdict)
), run as (
    insert into schedule_run (schedule_id, planned_at, customer, planned_time, verdict, settled_at)
    select schedule_id, planned_at, customer, planned_time, verdict, @now from given
        on conflict (schedule_id, planned_at) do nothing
    returning schedule_id, planned_at
), target as (
    select g.*, d.device_id as target, d.customer as owner, d.status
      from given g
      join run using (schedule_id, planned_at)
      join device d on d.device_id = g.device_id
     where g.verdict <> 'missed'
     union all
    select g.*, d.device_id, d.customer, d.status
      from given g
      join run using (schedule_id, planned_at)
      join device d on d.site_id = g.site_id
     where g.verdict <> 'missed'
)
insert into schedule_order (device_id, schedule_id, planned_at, ending, customer, plan, due_at, state, reason, changed_at)
select target, schedule_id, planned_at, false, customer, plan, planned_at,
       case when owner = customer and status = 'active' then 'due' else 'skipped' end,
       case when owner <> customer then 'other_customer' when status <> 'active' then 'device_' || status end,
       @now
  from target
    on conflict (device_id, schedule_id, planned_at, ending) do nothing;
