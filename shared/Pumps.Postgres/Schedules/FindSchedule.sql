-- One schedule with the time zone that it has now.
-- in:    @id text
-- plan:  three probes
select s.schedule_id, s.customer, s.device_id, s.site_id, t.time_zone, s.plan::text as plan, s.settled_to, s.paused_until, s.revision, s.created_at, s.created_by,
       s.changed_at, s.changed_by
  from schedule s
  left join device d on d.device_id = s.device_id
  left join site t on t.site_id = coalesce(s.site_id, d.site_id)
 where s.schedule_id = @id and s.deleted_at is null;
