-- Transfers of a rollout, counted by wave.
-- in:    @rollout bigint
-- out:   devices, done, failed, cancelled int; one row a wave, in their order
-- plan:  a range of firmware_transfer_rollout
select count(t.device_id)::int as devices, (count(*) filter (where t.phase = 'done'))::int as done, (count(*) filter (where t.phase = 'failed'))::int as failed,
       (count(*) filter (where t.phase = 'cancelled'))::int as cancelled
  from firmware_rollout r
 cross join generate_series(0, jsonb_array_length(r.terms -> 'waves') - 1) as w (wave)
  left join firmware_transfer t on t.rollout_no = r.rollout_no and t.wave = w.wave
 where r.rollout_no = @rollout
 group by w.wave
 order by w.wave;
