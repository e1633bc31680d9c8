-- Removes what is too old for the audit, oldest first.
-- in:    @before timestamptz, @limit int
-- out:   number of rows
-- plan:  a range of command_audit_at
delete from command_audit
 where (device_id, at, number) in (
       select device_id, at, number from command_audit where at < @before order by at limit @limit for update skip locked);
