-- Keeps where a transfer stands while its driver goes on, unless somebody else has it by now.
-- in:    @device text, @rollout, @version bigint, @phase text, @state jsonb
-- locks: the row until commit
update firmware_transfer
   set phase = @phase, state = @state::jsonb
 where device_id = @device
   and rollout_no = @rollout
   and version = @version
   and ended_at is null;
