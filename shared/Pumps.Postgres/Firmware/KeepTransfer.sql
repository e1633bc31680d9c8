-- Keeps where a transfer stands and gives it back, unless somebody has changed it since it was taken. When its device has spoken meanwhile, it is due.
-- in:    @device text, @rollout, @version bigint, @phase text, @state jsonb, @due, @ended timestamptz or null, @now timestamptz
-- out:   due_at timestamptz or null; no row when nothing was kept
-- locks: the row until commit
update firmware_transfer t
   set phase = @phase, state = @state::jsonb, ended_at = @ended, version = t.version + 1, lease_until = null, woken_at = null,
       due_at = case when @due::timestamptz is not null and t.woken_at is not null then least(@due, @now) else @due end
 where t.device_id = @device
   and t.rollout_no = @rollout
   and t.version = @version
   and t.ended_at is null
returning t.due_at;
