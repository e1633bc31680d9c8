-- Clocks of DP1 devices: they show the civil time of their site and know nothing of its changes.
-- in:    device and site (0005)
-- out:   table device_clock with its triggers on device; site with utc_offset
-- locks: site and device, for a moment

-- Minutes ahead of UTC that the site's zone had when its devices' clocks were last made due; null: never.
alter table site add column utc_offset smallint;

-- One row for each DP1 device that has ever worked at a site.
create table device_clock (
    device_id   text collate "C" primary key,
    utc_offset  smallint,           -- minutes ahead of UTC to which the clock was set; null: nobody knows
    command_id  text collate "C",   -- the command that sets it, while one is under way
    due_at      timestamptz         -- null: nothing to do until something changes
);
create index device_clock_due on device_clock (due_at) where due_at is not null;

-- Whoever says what a device is writes its tags, too, and whoever brings it to another place may have set its clock: it is looked at, and set.
-- Several writers do so; none of them can forget it.
create function look_at_clock() returns trigger language plpgsql as $$
begin
    insert into device_clock (device_id, due_at) values (new.device_id, '-infinity')
        on conflict (device_id) do update set utc_offset = null, command_id = null, due_at = excluded.due_at;
    return null;
end $$;
create trigger device_told after insert or update of offering on device
    for each row when (new.protocol = 'dp1' and new.status = 'active' and new.site_id is not null) execute function look_at_clock();
create trigger device_placed after update of site_id, status on device
    for each row when (new.protocol = 'dp1' and new.status = 'active' and new.site_id is not null
        and (old.site_id is distinct from new.site_id or old.status <> 'active')) execute function look_at_clock();
