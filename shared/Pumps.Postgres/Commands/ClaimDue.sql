-- Takes the turns of devices with a command whose time has come, oldest first; devices that another host is at are left to it.
-- in:    @now timestamptz, @limit int
-- out:   device_id text
-- locks: the devices' rows of command_device until commit
-- plan:  command_due, one probe of command_device per row
select t.device_id
  from command c
  join command_device t on t.device_id = c.device_id
 where c.due_at <= @now
 order by c.due_at
 limit @limit
   for update of t skip locked;
