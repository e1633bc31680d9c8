-- Schedules that must be looked at, into this transaction's hand. Those that are in another one's are left to it.
-- in:    @now timestamptz, @limit int
-- out:   as FindSchedule.sql
-- locks: these schedules until commit
-- plan:  a range of schedule_look
select s.schedule_id, s.customer, s.device_id, s.site_id, t.time_zone, s.plan::text as plan, s.settled_to, s.paused_until, s.revision, s.created_at, s.created_by,
       s.changed_at, s.changed_by
  from schedule s
  left join device d on d.device_id = s.device_id
  left join site t on t.site_id = coalesce(s.site_id, d.site_id)
 where s.look_at <= @now
 order by s.look_at
 limit @limit
   for update of s skip locked;
