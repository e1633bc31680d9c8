-- Which of these lines are there, and which of these devices stand in earlier lines.
-- in:    @id text, @lines int[], @devices text[]
-- out:   line int, device_id text, outcome text
select line, device_id, outcome
  from bulk_line
 where bulk_id = @id and (line = any(@lines) or device_id = any(@devices) and outcome = 'accepted');
