-- Numbers frames that are about to be sent down, one per device. The turns of the devices were taken.
-- in:    @devices text[]
-- out:   device_id text, last_downlink bigint
update command_device set last_downlink = last_downlink + 1 where device_id = any(@devices) returning device_id, last_downlink;
