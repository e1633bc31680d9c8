-- Schedules in the order of their ids.
-- in:    @device, @site, @customer text or null, @former boolean (those of owners before, too), @after text, @limit int
-- out:   as FindSchedule.sql
-- plan:  by device or site a few rows; else a range of the primary key
select s.schedule_id, s.customer, s.device_id, s.site_id, t.time_zone, s.plan::text as plan, s.settled_to, s.paused_until, s.revision, s.created_at, s.created_by,
       s.changed_at, s.changed_by
  from schedule s
  left join device d on d.device_id = s.device_id
  left join site t on t.site_id = coalesce(s.site_id, d.site_id)
 where s.deleted_at is null
   and s.schedule_id > @after
   and (@device::text is null or s.device_id = @device)
   and (@site::text is null or s.site_id = @site)
   and (@customer::text is null or s.customer = @customer)
   and (@former or s.device_id is null or d.customer = s.customer)
 order by s.schedule_id
 limit @limit;
