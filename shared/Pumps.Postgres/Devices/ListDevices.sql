-- Devices in the order of their ids.
-- in:    @offering, @customer, @site, @tag, @status text or null, @after text, @limit int, @with_latest boolean
-- out:   device, its connection, and what was last seen of it; observations text (JSON), null unless asked for
-- plan:  a range of device_id, or of (customer, device_id) or (site_id, device_id); three probes per row
select d.device_id, d.protocol, d.offering, d.product, d.customer, d.site_id, d.tags, d.status, d.model, d.firmware, d.retired_at, o.from_at as owned_since,
       c.phase, c.since, l.seen_at, case when @with_latest then l.observations::text end as observations
  from device d
  left join ownership o on o.device_id = d.device_id and o.to_at is null and o.customer = d.customer
  left join device_connection c on c.device_id = d.device_id
  left join latest l on l.device_key = d.device_key
 where d.device_id > @after
   and (@offering::text is null or d.offering = @offering)
   and (@customer::text is null or d.customer = @customer)
   and (@site::text is null or d.site_id = @site)
   and (@tag::text is null or d.tags @> array[@tag::text])
   and (@status::text is null or d.status = @status)
 order by d.device_id
 limit @limit;
