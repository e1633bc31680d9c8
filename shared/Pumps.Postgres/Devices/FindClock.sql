-- What is known of a device's clock.
-- in:    @id text
-- out:   time_zone text, of its site; set_to smallint?; no row when it stands nowhere
-- plan:  three probes
select s.time_zone, k.utc_offset as set_to
  from device d
  join site s on s.site_id = d.site_id
  left join device_clock k on k.device_id = d.device_id
 where d.device_id = @id;
