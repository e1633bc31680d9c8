-- Takes the transfer of a device for one driver alone until its lease ends, when it is due, in nobody's hands, and not held back. One that is held back
-- is no longer queued: it is queued again when its rollout goes on.
-- in:    @device text, @held text[]: phases that a pause holds back, @now, @until timestamptz
-- out:   is_taken boolean; no row when there is nothing to take
-- locks: the row until commit; it waits for who is at it, since nobody else may come back for it soon
-- plan:  one probe of firmware_transfer_open and of rollout_no
with mine as (
    select t.device_id, t.rollout_no, t.phase <> all(@held) or r.phase <> 'paused' as is_free
      from firmware_transfer t
      join firmware_rollout r using (rollout_no)
     where t.device_id = @device
       and t.ended_at is null
       and t.due_at <= @now
       and (t.lease_until is null or t.lease_until <= @now)
       for update of t
)
update firmware_transfer t
   set queued_until = null,
       lease_until = case when is_free then @until end,
       woken_at = null,
       version = t.version + is_free::int
  from mine
 where t.device_id = mine.device_id
   and t.rollout_no = mine.rollout_no
returning is_free as is_taken;
