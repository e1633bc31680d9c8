-- Takes the transfer of a device for one driver alone until its lease ends, when it is due, in nobody's hands, and not held back.
-- in:    @device text, @held text[]: phases that a pause holds back, @now, @until timestamptz
-- out:   number of rows
-- locks: the row until commit; it waits for who is at it, since nobody else may come back for it soon
-- plan:  one probe of firmware_transfer_open
update firmware_transfer t
   set lease_until = @until, queued_until = null, woken_at = null, version = t.version + 1
 where t.device_id = @device
   and t.ended_at is null
   and t.due_at <= @now
   and (t.lease_until is null or t.lease_until <= @now)
   and (t.phase <> all(@held) or exists (select from firmware_rollout r where r.rollout_no = t.rollout_no and r.phase <> 'paused'));
