-- Removes rollouts that ended long ago and have no transfers any more. After RemoveTransfers.sql.
-- in:    @before timestamptz
-- out:   number of rows
-- plan:  per old rollout one probe of firmware_transfer_rollout
delete from firmware_rollout r
 where r.ended_at < @before
   and not exists (select from firmware_transfer t where t.rollout_no = r.rollout_no);
