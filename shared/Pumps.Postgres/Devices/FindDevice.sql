-- One device with its newest values.
-- in:    @id text
-- out:   as ListDevices.sql
-- plan:  four probes
select d.device_id, d.protocol, d.offering, d.product, d.customer, d.site_id, d.tags, d.status, d.model, d.firmware, d.retired_at, o.from_at as owned_since,
       c.phase, c.since, l.seen_at, l.observations::text as observations
  from device d
  left join ownership o on o.device_id = d.device_id and o.to_at is null and o.customer = d.customer
  left join device_connection c on c.device_id = d.device_id
  left join latest l on l.device_key = d.device_key
 where d.device_id = @id;
