-- The row of a device as an order finds it.
-- in:    @id text
-- out:   offering, product, customer, status text, site text?, tags text[]?, owned_since timestamptz?
-- plan:  one probe of device and of ownership
select d.offering, d.product, d.customer, d.status, d.site_id as site, nullif(d.tags, '{}') as tags, o.from_at as owned_since
  from device d
  left join ownership o on o.device_id = d.device_id and o.to_at is null
 where d.device_id = @id;
