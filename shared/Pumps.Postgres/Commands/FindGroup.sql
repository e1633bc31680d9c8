-- One group of commands.
-- in:    @id text
select group_id, command, arguments::text as arguments, target::text as target, requested_by, origin, devices, queued, created_at
  from command_group
 where group_id = @id;
