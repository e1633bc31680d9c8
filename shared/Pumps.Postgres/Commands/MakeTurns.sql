-- Makes the rows whose locks are devices' turns. Ordinals start at random, since DP1 tokens are made of them and a device remembers the last eight;
-- downlink numbers start with the time, so that they go on growing when a region begins anew.
-- in:    @devices text[]
insert into command_device (device_id, last_ordinal, last_downlink)
select device_id, floor(random() * 65536), extract(epoch from now())::bigint
  from unnest(@devices) as n(device_id)
 order by device_id
    on conflict do nothing;
