-- Makes the transfers of a rollout due that can still be taken back; those in a driver's hands as soon as it gives them back. After CancelWaiting.sql.
-- Writes nothing that is so already.
-- in:    @rollout bigint, @phases text[], @now timestamptz
-- locks: the rows until commit, in the order of their devices
-- plan:  ranges of firmware_transfer_due
with mine as (
    select device_id
      from firmware_transfer
     where rollout_no = @rollout and phase = any(@phases) and ended_at is null
       and (due_at is null or due_at > @now or lease_until is not null and woken_at is null)
     order by device_id
       for update
)
update firmware_transfer t
   set due_at = least(t.due_at, @now), woken_at = case when t.lease_until is not null then @now end
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = @rollout;
