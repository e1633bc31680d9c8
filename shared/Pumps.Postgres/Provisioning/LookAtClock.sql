-- Makes a device's clock due, if it is one that is followed: the trigger device_told says which. Safe to repeat.
-- in:    @id text
-- locks: the device's row
update device set offering = offering where device_id = @id;
