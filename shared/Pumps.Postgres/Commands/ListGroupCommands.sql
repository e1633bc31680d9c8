-- Commands of a group, in the order of their devices' ids; a device is once in a group.
-- in:    @group text, @after text, @limit int
-- out:   as FindCommand.sql
-- plan:  a range of command_grouped
select device_id, ordinal, command_id, customer, product, protocol, command, arguments::text as arguments, requested_by, origin, confirmed, group_id,
       correlation, created_at, expires_at, repeatable, phase, attempt, doubts, route, may_be_held, due_at, sent_at, acknowledged_at, ended_at,
       cancelled_by, reason, answer::text as answer, late
  from command
 where group_id = @group and device_id > @after
 order by device_id
 limit @limit;
