-- Schedules, their runs, and the orders that come of them.
-- in:    device (0001), site and device.site_id (0005)
-- out:   tables schedule, schedule_run, schedule_order; triggers on site and device
-- locks: site and device for a moment, for their triggers
--
-- Foreign keys to device and site are missing on purpose: a schedule outlives what it is for, and then says so in its runs.

create table schedule (
    schedule_id  text collate "C" not null primary key,
    customer     text             not null,
    device_id    text collate "C",
    site_id      text collate "C",
    plan         jsonb            not null,
    settled_to   timestamptz      not null,   -- every run up to here is decided
    paused_until timestamptz,                 -- infinity: until resumed
    -- When the scheduler must look at it: its next run, or a day from now. Zones change their rules, and whoever looked a day ago has not heard.
    -- Null: it has no run any more.
    look_at      timestamptz,
    revision     integer          not null,
    created_at   timestamptz      not null,
    created_by   text             not null,
    changed_at   timestamptz      not null,
    changed_by   text             not null,
    deleted_at   timestamptz,
    check (num_nonnulls(device_id, site_id) = 1)
);
create index schedule_look on schedule (look_at) where look_at is not null;
create index schedule_device on schedule (device_id) where device_id is not null and deleted_at is null;
create index schedule_site on schedule (site_id) where site_id is not null and deleted_at is null;
create index schedule_customer on schedule (customer, schedule_id) where deleted_at is null;

-- A planned run is decided once: the key is what two schedulers cannot both write.
create table schedule_run (
    schedule_id  text collate "C" not null,
    planned_at   timestamptz      not null,
    customer     text             not null,
    planned_time timestamp        not null,   -- the site's civil time
    verdict      text             not null,   -- on_time, late, missed
    settled_at   timestamptz      not null,
    primary key (schedule_id, planned_at)
);

-- What a run has devices do: the command that starts it, and the one that ends it. Written with the run, handed to the commands' queue, kept as receipt.
create table schedule_order (
    device_id    text collate "C" not null,
    schedule_id  text collate "C" not null,
    planned_at   timestamptz      not null,
    ending       boolean          not null,
    customer     text             not null,
    plan         jsonb            not null,   -- as it was when the run was decided
    due_at       timestamptz      not null,
    state        text             not null,   -- due, submitted, skipped, refused, missed
    reason       text,
    attempt      integer          not null default 0,
    command_id   text collate "C",
    changed_at   timestamptz      not null,
    primary key (device_id, schedule_id, planned_at, ending)
);
create index schedule_order_due on schedule_order (due_at) where state = 'due';
create index schedule_order_device on schedule_order (device_id, due_at) where state = 'due';
create index schedule_order_run on schedule_order (schedule_id, planned_at, device_id);
create index schedule_order_ending on schedule_order (due_at) where ending and state = 'submitted';

-- A site that moves to another time zone, and a device that moves to another site, have other runs from now on.
create function look_at_schedules() returns trigger
    language plpgsql as $$
begin
    if tg_table_name = 'site' then
        update schedule s set look_at = '-infinity'
         where s.deleted_at is null
           and (s.site_id = new.site_id or s.device_id in (select d.device_id from device d where d.site_id = new.site_id));
    else
        update schedule s set look_at = '-infinity' where s.device_id = new.device_id and s.deleted_at is null;
    end if;
    return null;
end $$;
create trigger schedule_site_zone after update of time_zone on site
    for each row when (old.time_zone is distinct from new.time_zone) execute function look_at_schedules();
-- Not "update of site_id": a new owner's device leaves its site by another trigger.
create trigger schedule_device_site after update on device
    for each row when (old.site_id is distinct from new.site_id) execute function look_at_schedules();
