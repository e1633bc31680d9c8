-- The right code was given.
-- in:    @subject text
delete from claim_throttle where subject = @subject;
