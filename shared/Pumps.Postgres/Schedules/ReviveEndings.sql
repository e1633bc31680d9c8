-- Makes endings due again whose command expired before the device got it, so that a run does not go on for ever. After a day, and as soon as
-- anybody has commanded the device, or the same part of it, anew, they are left alone: a command to pumps[1] says nothing of pumps[2].
-- in:    @now timestamptz, @pause interval between two attempts, @longest interval
-- locks: the revived orders
-- plan:  a range of schedule_order_ending, two probes of command per row
update schedule_order o
   set state = 'due', due_at = @now, attempt = o.attempt + 1, changed_at = @now
  from command c
 where o.ending
   and o.state = 'submitted'
   and o.due_at > @now - @longest
   and o.planned_at > @now - @longest
   and c.device_id = o.device_id
   and c.command_id = o.command_id
   and c.phase = 'expired'
   and c.ended_at <= @now - @pause
   and not exists (
       select from command n
        where n.device_id = c.device_id and n.ordinal > c.ordinal
          and (strpos(n.command, '.') = 0 or strpos(c.command, '.') = 0 or split_part(n.command, '.', 1) = split_part(c.command, '.', 1)));
