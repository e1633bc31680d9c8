-- One rollout.
-- in:    @id text
-- plan:  one probe
select rollout_no, rollout_id, image_id, product, firmware, target::text as target, terms::text as terms, maintenance::text as maintenance, placed_by, devices,
       state::text as state, version, created_at
  from firmware_rollout
 where rollout_id = @id;
