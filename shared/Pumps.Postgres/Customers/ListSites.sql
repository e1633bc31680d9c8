-- in:    @customer text or null, @after text, @limit int
-- out:   site_id, customer, name, time_zone text, latitude, longitude double precision?, created_at timestamptz, in the order of the ids
-- plan:  a range of site_id, or of (customer, site_id)
select site_id, customer, name, time_zone, latitude, longitude, created_at
  from site
 where site_id > @after
   and (@customer::text is null or customer = @customer)
 order by site_id
 limit @limit;
