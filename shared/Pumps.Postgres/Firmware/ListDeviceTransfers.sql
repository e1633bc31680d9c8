-- The newest transfers of a device, newest first.
-- in:    @device text, @limit int
-- out:   as ReadTransfer.sql
-- plan:  the primary key backwards
select t.rollout_no, r.rollout_id, t.device_id, t.wave, r.image_id, t.state::text as state, t.due_at, t.version, r.maintenance::text as maintenance,
       d.firmware as running, s.time_zone
  from firmware_transfer t
  join firmware_rollout r on r.rollout_no = t.rollout_no
  left join device d on d.device_id = t.device_id
  left join site s on s.site_id = d.site_id
 where t.device_id = @device
 order by t.rollout_no desc
 limit @limit;
