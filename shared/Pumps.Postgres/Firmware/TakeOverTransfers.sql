-- Ends every lease and forgets every queue.
-- locks: the rows that have one until commit, in the order of their devices
-- plan:  firmware_transfer_active as a whole
with mine as (
    select device_id, rollout_no
      from firmware_transfer
     where queued_until is not null or lease_until is not null
     order by device_id
       for update
)
update firmware_transfer t
   set queued_until = null, lease_until = null
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = mine.rollout_no;
