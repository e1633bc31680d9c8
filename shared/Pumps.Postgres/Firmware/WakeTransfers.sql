-- Makes the open transfers of devices due at a time at the latest that have begun; one in a driver's hands when that has given it back. Writes nothing that
-- is so already.
-- in:    @devices text[], @at timestamptz
-- locks: the rows until commit, in the order of their devices
-- plan:  one probe of firmware_transfer_open per device
with mine as (
    select device_id, rollout_no
      from firmware_transfer
     where device_id = any(@devices) and ended_at is null and phase <> 'waiting'
     order by device_id
       for update
)
update firmware_transfer t
   set due_at = least(t.due_at, @at), woken_at = case when t.lease_until is not null then least(t.woken_at, @at) end
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = mine.rollout_no
   and (t.due_at is null or t.due_at > @at or t.lease_until is not null and (t.woken_at is null or t.woken_at > @at));
