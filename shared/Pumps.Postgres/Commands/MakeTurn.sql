-- Makes the row whose lock is a device's turn. Ordinals start at random, since DP1 tokens are made of them and a device remembers the last eight;
-- downlink numbers start with the time, so that they go on growing when a region begins anew.
-- in:    @device text
insert into command_device (device_id, last_ordinal, last_downlink)
values (@device, floor(random() * 65536), extract(epoch from now())::bigint)
    on conflict do nothing;
