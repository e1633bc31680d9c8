-- The image of a rollout, and how many devices it is for: active ones of the image's product, at a site, with a tag, of a customer, or in a list, that have
-- no other transfer.
-- in:    @image text, @site, @tag, @customer text or null, @devices text[] or null
-- out:   product, version text, devices int; no row when there is no such image
-- locks: the image until commit, against removal
-- plan:  as PlaceRollout.sql, without the sort
select i.product, i.version,
       (select count(*)::int
          from device d
         where d.status = 'active'
           and d.product = i.product
           and (@site::text is null or d.site_id = @site)
           and (@tag::text is null or d.tags @> array[@tag::text])
           and (@customer::text is null or d.customer = @customer)
           and (@devices::text[] is null or d.device_id = any(@devices))
           and not exists (select from firmware_transfer t where t.device_id = d.device_id and t.ended_at is null)) as devices
  from firmware_image i
 where i.image_id = @image
   for key share of i;
