-- Adds a schedule.
-- in:    @id, @customer, @device, @site text, @plan jsonb, @settled_to timestamptz, @look_at timestamptz or null, @now timestamptz, @by text
insert into schedule (
       schedule_id, customer, device_id, site_id, plan, settled_to, paused_until, look_at, revision, created_at, created_by, changed_at, changed_by)
values (@id, @customer, @device, @site, @plan, @settled_to, null, @look_at, 1, @now, @by, @now, @by);
