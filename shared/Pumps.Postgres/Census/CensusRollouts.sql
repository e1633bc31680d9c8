-- Firmware rollouts that are not over, by phase; and those of them that are paused for a reason, under a name of their own.
-- in:    @failing, @reason text
-- out:   phase text, rollouts bigint
-- plan:  reads all of the few rows
select phase, count(*) as rollouts from firmware_rollout where ended_at is null group by phase
union all
select @failing, count(*) from firmware_rollout where phase = 'paused' and state ->> 'reason' = @reason;
