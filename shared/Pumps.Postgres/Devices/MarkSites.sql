-- Makes the clocks due of sites whose zone has another offset than when that was done last. Clocks that wait for something go on waiting for it, a microsecond
-- longer: a host that has claimed one before the change, and finds nothing to do, must not take the mark away (KeepClocks.sql). One that was due already is
-- due from now on: a host whose turn began before the change leaves it.
-- in:    @zones text[], @offsets smallint[], @now timestamptz, @limit int
-- out:   int, of how many sites
-- locks: the sites until commit; those that another host is at are left to it
-- plan:  all sites; of each that has changed a range of device_site. Nothing but that when nothing has changed
with changed as (
    select s.site_id, z.utc_offset
      from site s
      join unnest(@zones::text[], @offsets::smallint[]) z (time_zone, utc_offset) using (time_zone)
     where s.utc_offset is distinct from z.utc_offset
     limit @limit
       for update of s skip locked
), kept as (
    update site s set utc_offset = c.utc_offset from changed c where s.site_id = c.site_id
), due as (
    insert into device_clock (device_id, due_at)
    select d.device_id, @now
      from changed c
      join device d on d.site_id = c.site_id
     where d.protocol = 'dp1' and d.status = 'active'
        -- A time that is null does not count.
        on conflict (device_id) do update set due_at = greatest(device_clock.due_at + interval '1 microsecond', excluded.due_at)
)
select count(*)::int from changed;
