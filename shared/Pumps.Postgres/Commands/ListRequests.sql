-- Requests that were refused, newest first.
-- in:    @before bigint, @limit int
-- plan:  the primary key backwards
select number, at, requested_by, origin, action, target, command, customer, rule, detail
  from request_audit
 where number < @before
 order by number desc
 limit @limit;
