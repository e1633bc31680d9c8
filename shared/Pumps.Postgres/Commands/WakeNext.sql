-- Makes the first open command of each device due, when it has not been sent: what stood before it has ended.
-- in:    @devices text[], @now timestamptz
-- out:   number of rows
-- plan:  command_open
update command c
   set due_at = @now
  from (select device_id, min(ordinal) as ordinal from command where device_id = any(@devices) and ended_at is null group by device_id) n
 where c.device_id = n.device_id
   and c.ordinal = n.ordinal
   and c.phase = 'queued';
