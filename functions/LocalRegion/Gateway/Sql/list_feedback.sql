-- Oldest first.
-- in:  @limit integer
-- out: sequence integer, device_id, message_id text, outcome, at integer
select sequence, device_id, message_id, outcome, at from feedback order by sequence limit @limit;
