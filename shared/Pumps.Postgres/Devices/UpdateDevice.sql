-- Changes what is given of a device; null leaves, '' removes.
-- in:    @id text, @site text?, @tags text[]?, @status text?, @model text?, @firmware text?
-- out:   its id; no row when there is no such device, or its customer has no such site
-- locks: the device's row
update device d
   set site_id = case when @site is null then site_id else nullif(@site, '') end,
       tags = coalesce(@tags, tags),
       status = coalesce(@status, status),
       retired_at = case when @status is null then retired_at when @status = 'retired' then coalesce(retired_at, now()) end,
       model = nullif(coalesce(@model, model), ''),
       firmware = nullif(coalesce(@firmware, firmware), '')
 where d.device_id = @id
   and (coalesce(@site, '') = '' or exists (select from site s where s.site_id = @site and s.customer = d.customer))
returning d.device_id;
