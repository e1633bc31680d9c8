-- Time zones in which there are sites.
-- out:   time_zone text
-- plan:  all sites, which are few beside devices
select distinct time_zone from site order by time_zone;
