-- in:  @id text
-- out: desired text, desired_version integer, reported text, reported_version integer; no row for an unknown device
select desired, desired_version, reported, reported_version from device where id = @id;
