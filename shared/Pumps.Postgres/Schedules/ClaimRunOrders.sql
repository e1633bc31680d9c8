-- Orders whose time has come, of each device the first, into this transaction's hand. Those that are in another one's are left to it, and with
-- them what comes after for the same device: order per device holds with any number of schedulers. At one instant a run ends before another begins.
-- in:    @now timestamptz, @limit int
-- locks: these orders until commit
-- plan:  a range of schedule_order_due, a probe of schedule_order_device per row
select o.schedule_id, o.planned_at, o.device_id, o.ending, o.plan::text as plan, o.attempt
  from schedule_order o
 where o.state = 'due'
   and o.due_at <= @now
   and not exists (
       select from schedule_order e
        where e.device_id = o.device_id and e.state = 'due' and e.due_at <= o.due_at
          and (e.due_at, not e.ending, e.schedule_id, e.planned_at) < (o.due_at, not o.ending, o.schedule_id, o.planned_at))
 order by o.due_at
 limit @limit
   for update of o skip locked;
