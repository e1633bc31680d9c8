-- Rollouts, newest first.
-- in:    @phase text or null, @before bigint, @limit int
-- out:   as FindRollout.sql
-- plan:  the primary key backwards
select rollout_no, rollout_id, image_id, product, firmware, target::text as target, terms::text as terms, maintenance::text as maintenance, placed_by, devices,
       state::text as state, version, created_at
  from firmware_rollout
 where rollout_no < @before
   and (@phase::text is null or phase = @phase)
 order by rollout_no desc
 limit @limit;
