-- Makes the transfers of a wave due that have not begun.
-- in:    @rollout bigint, @wave int, @now timestamptz
-- locks: the rows until commit, in the order of their devices
-- plan:  a range of firmware_transfer_due
with mine as (
    select device_id
      from firmware_transfer
     where rollout_no = @rollout and phase = 'waiting' and wave = @wave and due_at is null and ended_at is null
     order by device_id
       for update
)
update firmware_transfer t
   set due_at = @now
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = @rollout;
