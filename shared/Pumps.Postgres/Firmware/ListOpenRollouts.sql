-- Ids of rollouts that are not over, oldest first.
-- plan:  reads all of the few rows
select rollout_id from firmware_rollout where ended_at is null order by rollout_no;
