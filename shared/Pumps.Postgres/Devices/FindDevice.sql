-- One device with its newest values.
-- in:    @id text
-- out:   as ListDevices.sql
-- plan:  two probes
select d.device_id, d.protocol, d.offering, d.product, d.customer, l.seen_at, l.observations::text as observations
  from device d
  left join latest l on l.device_key = d.device_key
 where d.device_id = @id;
