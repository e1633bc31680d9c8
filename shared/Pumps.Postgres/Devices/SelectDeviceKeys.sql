-- The keys of devices.
-- in:    @ids text[]
-- out:   device_id text, device_key bigint; no row for an unknown id
-- plan:  one probe of device_id per id
select device_id, device_key from device where device_id = any(@ids);
