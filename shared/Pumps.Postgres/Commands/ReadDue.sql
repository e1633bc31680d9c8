-- What is due of devices whose turns were taken: the first that is open, and those that have expired behind it. A statement of its own: it must
-- see what the turns before have committed.
-- in:    @devices text[], @now timestamptz
-- out:   as FindCommand.sql
-- plan:  command_open
select c.device_id, c.ordinal, c.command_id, c.customer, c.product, c.protocol, c.command, c.arguments::text as arguments, c.requested_by, c.origin,
       c.confirmed, c.group_id, c.correlation, c.created_at, c.expires_at, c.repeatable, c.phase, c.attempt, c.doubts, c.route, c.may_be_held,
       c.due_at, c.sent_at, c.acknowledged_at, c.ended_at, c.cancelled_by, c.reason, c.answer::text as answer, c.late
  from command c
 where c.device_id = any(@devices)
   and c.ended_at is null
   and c.due_at <= @now
   and (c.expires_at <= @now or not exists (
       select from command o where o.device_id = c.device_id and o.ended_at is null and o.ordinal < c.ordinal))
 order by c.device_id, c.ordinal;
