-- One command.
-- in:    @device text, @id text
-- plan:  one probe of command_id
select device_id, ordinal, command_id, customer, product, protocol, command, arguments::text as arguments, requested_by, origin, confirmed, group_id,
       correlation, created_at, expires_at, repeatable, phase, attempt, doubts, route, may_be_held, due_at, sent_at, acknowledged_at, ended_at,
       cancelled_by, reason, answer::text as answer, late
  from command
 where device_id = @device and command_id = @id;
