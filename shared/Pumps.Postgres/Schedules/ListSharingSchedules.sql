-- Schedules that have a device in common with a device or a site: its own, those of the device's site, those of the site's devices.
-- in:    @device, @site text, one of them null, @customer text whose they are, @limit int
-- out:   as FindSchedule.sql
-- plan:  probes of the indexes by device and by site
select s.schedule_id, s.customer, s.device_id, s.site_id, t.time_zone, s.plan::text as plan, s.settled_to, s.paused_until, s.revision, s.created_at, s.created_by,
       s.changed_at, s.changed_by
  from schedule s
  left join device d on d.device_id = s.device_id
  left join site t on t.site_id = coalesce(s.site_id, d.site_id)
 where s.schedule_id in (
       select schedule_id from schedule where device_id = @device and deleted_at is null
        union
       select schedule_id from schedule where site_id = coalesce(@site, (select site_id from device where device_id = @device)) and deleted_at is null
        union
       select o.schedule_id from device m join schedule o on o.device_id = m.device_id and o.deleted_at is null where m.site_id = @site)
   and s.customer = @customer
 order by s.schedule_id
 limit @limit;
