-- Cancels the transfers of a rollout that have not begun and that no driver is beginning.
-- in:    @rollout bigint, @phase text, @state jsonb, @now timestamptz
-- locks: the rows until commit, in the order of their devices
-- plan:  a range of firmware_transfer_due
with mine as (
    select device_id
      from firmware_transfer
     where rollout_no = @rollout and phase = 'waiting' and ended_at is null and (lease_until is null or lease_until <= @now)
     order by device_id
       for update
)
update firmware_transfer t
   set phase = @phase, state = @state::jsonb, due_at = null, queued_until = null, lease_until = null, version = version + 1, ended_at = @now
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = @rollout;
