-- Transfers of a rollout, in the order of their devices' ids.
-- in:    @rollout bigint, @phase text or null, @after text, @limit int
-- out:   as ReadTransfer.sql
-- plan:  a range of firmware_transfer_rollout; per row one probe of the primary key, of device_id and of site
select t.rollout_no, r.rollout_id, t.device_id, t.wave, r.image_id, t.state::text as state, t.due_at, t.version, r.maintenance::text as maintenance,
       d.firmware as running, s.time_zone
  from firmware_transfer t
  join firmware_rollout r on r.rollout_no = t.rollout_no
  left join device d on d.device_id = t.device_id
  left join site s on s.site_id = d.site_id
 where t.rollout_no = @rollout
   and t.device_id > @after
   and (@phase::text is null or t.phase = @phase)
 order by t.device_id
 limit @limit;
