-- What schedules have become.
-- in:    arrays, pairwise: @ids text, @plans jsonb, @settled timestamptz, @paused timestamptz or null, @looks timestamptz or null, @revisions int,
--        @changed timestamptz, @changers text, @removed boolean
-- locks: these schedules, which the caller has in hand
update schedule s
   set plan = n.plan, settled_to = n.settled_to, paused_until = n.paused_until, look_at = n.look_at, revision = n.revision,
       changed_at = n.changed_at, changed_by = n.changed_by, deleted_at = case when n.removed then n.changed_at end
  from unnest(@ids, @plans, @settled, @paused, @looks, @revisions, @changed, @changers, @removed)
       as n(schedule_id, plan, settled_to, paused_until, look_at, revision, changed_at, changed_by, removed)
 where s.schedule_id = n.schedule_id;
