-- Takes clocks that are due, the oldest first; until @until nobody else gets them.
-- in:    @now, @until timestamptz, @limit int
-- out:   device_id text, set_to smallint?, command_id text?, time_zone text?, is_online boolean
-- locks: the clocks until commit; those that another host is at are left to it
-- plan:  a range of device_clock_due; of each three probes
with due as (
    select device_id
      from device_clock
     where due_at <= @now
     order by due_at
     limit @limit
       for update skip locked
), taken as (
    update device_clock k
       set due_at = @until
      from due
     where k.device_id = due.device_id
 returning k.device_id, k.utc_offset, k.command_id
)
select t.device_id, t.utc_offset as set_to, t.command_id, s.time_zone, coalesce(c.phase = 'online', false) as is_online
  from taken t
  left join device d on d.device_id = t.device_id and d.status = 'active'
  left join site s on s.site_id = d.site_id
  left join device_connection c on c.device_id = t.device_id;
