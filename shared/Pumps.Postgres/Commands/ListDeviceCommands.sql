-- Commands of a device, newest first.
-- in:    @device text, @customer text or null: of all that ever had it, @before bigint, @limit int
-- out:   as FindCommand.sql
-- plan:  the primary key backwards
select device_id, ordinal, command_id, customer, product, protocol, command, arguments::text as arguments, requested_by, origin, confirmed, group_id,
       correlation, created_at, expires_at, repeatable, phase, attempt, doubts, route, may_be_held, due_at, sent_at, acknowledged_at, ended_at,
       cancelled_by, reason, answer::text as answer, late
  from command
 where device_id = @device and ordinal < @before and (@customer::text is null or customer = @customer)
 order by ordinal desc
 limit @limit;
