-- Removes transfers of rollouts that ended long ago.
-- in:    @before timestamptz, @limit int
-- out:   number of rows
-- plan:  per old rollout a range of firmware_transfer_rollout
delete from firmware_transfer
 where (device_id, rollout_no) in (
       select t.device_id, t.rollout_no
         from firmware_rollout r
         join firmware_transfer t on t.rollout_no = r.rollout_no
        where r.ended_at < @before
        limit @limit
          for update of t skip locked);
