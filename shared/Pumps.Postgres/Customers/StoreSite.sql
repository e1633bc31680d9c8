-- Safe to repeat: the newest word wins. A site does not change its customer.
-- in:    @id, @customer, @name, @time_zone text, @latitude, @longitude double precision?
-- out:   as ListSites.sql; no row when the id is taken by another customer
-- locks: the site's row
insert into site (site_id, customer, name, time_zone, latitude, longitude)
values (@id, @customer, @name, @time_zone, @latitude, @longitude)
    on conflict (site_id) do update
   set name = excluded.name, time_zone = excluded.time_zone, latitude = excluded.latitude, longitude = excluded.longitude
 where site.customer = excluded.customer
returning site_id, customer, name, time_zone, latitude, longitude, created_at;
