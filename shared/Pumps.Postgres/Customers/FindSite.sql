-- in:    @id text
-- out:   as ListSites.sql
select site_id, customer, name, time_zone, latitude, longitude, created_at from site where site_id = @id;
