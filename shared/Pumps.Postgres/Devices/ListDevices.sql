-- Devices in the order of their ids.
-- in:    @offering text or null, @after text, @limit int, @with_latest boolean
-- out:   device and what was last seen of it; observations text (JSON), null unless asked for
-- plan:  a range of device_id, one probe of latest per row
select d.device_id, d.protocol, d.offering, d.product, d.customer, l.seen_at, case when @with_latest then l.observations::text end as observations
  from device d
  left join latest l on l.device_key = d.device_key
 where d.device_id > @after
   and (@offering::text is null or d.offering = @offering)
 order by d.device_id
 limit @limit;
