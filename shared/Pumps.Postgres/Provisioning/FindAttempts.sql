-- How often a subject has tried.
-- in:    @subject text
select failures, last_at, locked_until from claim_throttle where subject = @subject;
