-- Counts a try, unless another one was counted since.
-- in:    @subject text, @before, @failures int, @last timestamptz, @until timestamptz or null, @last_before timestamptz
-- locks: the row
insert into claim_throttle (subject, failures, last_at, locked_until)
select @subject, @failures, @last, @until
    on conflict (subject) do update
   set failures = excluded.failures, last_at = excluded.last_at, locked_until = excluded.locked_until
 where claim_throttle.failures = @before and claim_throttle.last_at = @last_before;
