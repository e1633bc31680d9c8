-- Places a rollout with a transfer for each of its devices, in an order of chance that is the same for the same rollout. After LockPlacing.sql and
-- CountRolloutTargets.sql, each a statement of its own.
-- in:    @id, @image, @product, @firmware text, @target, @terms, @maintenance jsonb, @by, @phase text, @state jsonb, @transfer_phase text,
--        @transfer_state jsonb, @reached int[]: devices reached with each wave but the last, @now timestamptz, and those of CountRolloutTargets.sql
-- out:   number of transfers; without any there is no rollout either. A device that has come or gone since they were counted makes the last waves
--        so much larger or smaller
-- plan:  device as a whole, or a range of device_site or device_customer, device_tags, or one probe of device_id per name; one probe of
--        firmware_transfer_open per device; a sort. A million devices take half a minute
with target as materialized (
    select d.device_id, d.customer,
           width_bucket(row_number() over (order by md5(@id || ':' || d.device_id) collate "C", d.device_id) - 1, @reached::bigint[]) as wave
      from device d
     where d.status = 'active'
       and d.product = @product
       and (@site::text is null or d.site_id = @site)
       and (@tag::text is null or d.tags @> array[@tag::text])
       and (@customer::text is null or d.customer = @customer)
       and (@devices::text[] is null or d.device_id = any(@devices))
       and not exists (select from firmware_transfer t where t.device_id = d.device_id and t.ended_at is null)
), rollout as (
    insert into firmware_rollout (rollout_id, image_id, product, firmware, target, terms, maintenance, placed_by, devices, phase, state, created_at)
    select @id, @image, @product, @firmware, @target::jsonb, @terms::jsonb, @maintenance::jsonb, @by, count(*), @phase, @state::jsonb, @now
      from target
    having count(*) > 0
 returning rollout_no
)
insert into firmware_transfer (device_id, rollout_no, customer, wave, phase, state)
select target.device_id, rollout.rollout_no, target.customer, target.wave, @transfer_phase, @transfer_state::jsonb
  from target, rollout;
