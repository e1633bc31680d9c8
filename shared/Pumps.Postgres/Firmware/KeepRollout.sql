-- Keeps where a rollout stands, unless somebody has changed it since it was read.
-- in:    @rollout, @version bigint, @phase text, @state jsonb, @ended timestamptz or null
-- out:   number of rows
-- locks: the row until commit
update firmware_rollout
   set phase = @phase, state = @state::jsonb, ended_at = @ended, version = version + 1
 where rollout_no = @rollout
   and version = @version;
