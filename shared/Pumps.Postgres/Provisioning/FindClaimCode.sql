-- The hash of a device's code.
-- in:    @device text
select issue, salt, hash from claim_code where device_id = @device;
