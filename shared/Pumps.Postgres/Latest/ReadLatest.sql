-- The documents of a batch's devices, to be merged with it.
-- in:    $1 bigint[] device_key, sorted
-- out:   device_key, version, observations; no row for a device that has none
-- plan:  one probe of the primary key per device
select device_key, version, observations from latest where device_key = any($1)
