-- Takes a device's turn until commit.
-- in:    @device text
-- locks: the device's row of command_device
select last_ordinal from command_device where device_id = @device for update;
