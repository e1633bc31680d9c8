-- Puts commands that are old into the audit, oldest first. One that is still open stays.
-- in:    @before timestamptz, @limit int
-- out:   number of rows
-- locks: the removed rows until commit; rows that somebody else is at are left for the next time
-- plan:  a range of command_created
with old as (
    delete from command
     where (device_id, ordinal) in (
           select device_id, ordinal from command
            where created_at < @before and ended_at is not null
            order by created_at, device_id, ordinal
            limit @limit
              for update skip locked)
 returning *
)
insert into command_audit (device_id, at, customer, command_id, command, arguments, requested_by, origin, group_id, result, reason)
select device_id, created_at, customer, command_id, command, arguments, requested_by, origin, group_id, phase, reason
  from old;
