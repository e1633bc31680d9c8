-- What a schedule for a device or a site must know.
-- in:    @device, @site text, one of them null
-- out:   customer, time_zone text (null: no site), products text[]; no row when there is no such device or site
-- plan:  probes; for a site a range of device by site
select d.customer, t.time_zone, array[d.product] as products
  from device d
  left join site t on t.site_id = d.site_id
 where d.device_id = @device
 union all
select t.customer, t.time_zone, array(select distinct d.product from device d where d.site_id = t.site_id and d.customer = t.customer)
  from site t
 where t.site_id = @site;
