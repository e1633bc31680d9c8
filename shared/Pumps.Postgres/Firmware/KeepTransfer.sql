-- Keeps where a transfer stands and gives it back, unless somebody has changed it since it was taken. When its device has spoken meanwhile, it is due
-- by then. What is due now is marked as queued, unless a pause holds it back.
-- in:    @device text, @rollout, @version bigint, @phase text, @held text[]: phases that a pause holds back, @state jsonb,
--        @due, @ended timestamptz or null, @now, @until timestamptz
-- out:   is_due boolean; no row when nothing was kept
-- locks: the row until commit
-- plan:  one probe each
with next as (
    select t.device_id, t.rollout_no, least(@due::timestamptz, t.woken_at) as due_at
      from firmware_transfer t
     where t.device_id = @device
       and t.rollout_no = @rollout
       and t.version = @version
       and t.ended_at is null
       for update
)
update firmware_transfer t
   set phase = @phase, state = @state::jsonb, ended_at = @ended, version = t.version + 1, lease_until = null, woken_at = null,
       due_at = case when @due::timestamptz is not null then next.due_at end,
       queued_until = case when @due::timestamptz is not null and next.due_at <= @now and (@phase <> all(@held) or r.phase <> 'paused') then @until end
  from next
  join firmware_rollout r using (rollout_no)
 where t.device_id = next.device_id
   and t.rollout_no = next.rollout_no
returning t.queued_until is not null as is_due;
