-- Makes the open transfers of devices due that have begun; one in a driver's hands as soon as that gives it back. Writes nothing that is so already.
-- in:    @devices text[], @held text[]: phases that a pause holds back, @now timestamptz
-- out:   device_id text of those that a driver can take now and that a pause does not hold back
-- locks: the rows until commit, in the order of their devices
-- plan:  one probe of firmware_transfer_open per device
with mine as (
    select device_id, rollout_no, phase, due_at, lease_until
      from firmware_transfer
     where device_id = any(@devices) and ended_at is null and phase <> 'waiting'
     order by device_id
       for update
), woken as (
    update firmware_transfer t
       set due_at = least(t.due_at, @now), woken_at = case when t.lease_until is not null then @now end
      from mine
     where t.device_id = mine.device_id
       and t.rollout_no = mine.rollout_no
       and (t.due_at > @now or t.due_at is null or t.lease_until is not null and t.woken_at is null)
)
select device_id
  from mine
 where (lease_until is null or lease_until <= @now)
   and phase <> all(@held)
 order by device_id;
