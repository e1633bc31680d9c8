-- The time zone of a device's site.
-- in:    @id text
-- out:   time_zone text; no row when it stands nowhere
-- plan:  two probes
select s.time_zone from device d join site s on s.site_id = d.site_id where d.device_id = @id;
