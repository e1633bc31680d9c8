-- Commands of all devices, newest first: the audit.
-- in:    @before timestamptz, @before_device text, @before_ordinal bigint, @limit int
-- out:   as FindCommand.sql
-- plan:  command_created
select device_id, ordinal, command_id, customer, product, protocol, command, arguments::text as arguments, requested_by, origin, confirmed, group_id,
       correlation, created_at, expires_at, repeatable, phase, attempt, doubts, route, may_be_held, due_at, sent_at, acknowledged_at, ended_at,
       cancelled_by, reason, answer::text as answer, late
  from command
 where (created_at, device_id, ordinal) < (@before, @before_device, @before_ordinal)
 order by created_at desc, device_id desc, ordinal desc
 limit @limit;
