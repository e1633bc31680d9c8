-- The row of a device as an order finds it.
-- in:    @id text
-- out:   offering, product, customer, status text, site text?, tags text[]?
-- plan:  one probe of device_id
select offering, product, customer, status, site_id as site, nullif(tags, '{}') as tags
  from device
 where device_id = @id;
