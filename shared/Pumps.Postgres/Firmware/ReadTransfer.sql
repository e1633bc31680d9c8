-- The open transfer of a device that was taken, with what its driver must know. After TakeTransfer.sql, as a statement of its own: it must see what has
-- become of the rollout while that waited for the row.
-- in:    @device text
-- out:   the transfer; rollout_phase text, is_foreign boolean: the device is not what it was when the rollout was placed
-- plan:  one probe of firmware_transfer_open, of rollout_no, of device_id and of site
select t.rollout_no, r.rollout_id, t.device_id, t.wave, r.image_id, t.state::text as state, t.due_at, t.version, r.maintenance::text as maintenance,
       d.firmware as running, s.time_zone,
       (r.state ->> 'resumedAt')::timestamptz as resumed_at, r.phase as rollout_phase,
       d.device_id is null or d.status = 'retired' or d.product <> r.product as is_foreign
  from firmware_transfer t
  join firmware_rollout r on r.rollout_no = t.rollout_no
  left join device d on d.device_id = t.device_id
  left join site s on s.site_id = d.site_id
 where t.device_id = @device
   and t.ended_at is null;
