-- Forgets requests that were refused long ago, oldest first.
-- in:    @before timestamptz, @limit int
-- out:   number of rows
-- plan:  a range of request_audit_at
delete from request_audit
 where number in (select number from request_audit where at < @before order by at limit @limit for update skip locked);
