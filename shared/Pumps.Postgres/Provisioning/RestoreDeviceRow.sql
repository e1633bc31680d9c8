-- Makes a row as an order found it. If the order had given it to another customer, its site and its words, which went with that, come back; the site also
-- if the order had another one. The history of ownership follows by the table's triggers: an order that never made the device work for its customer has
-- left nothing there; one that had is a row that ends now. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer, @status text, @site text?, @tags text[]?, @with_site boolean
-- locks: the device's row
update device d
   set protocol = @protocol, offering = @offering, product = @product, customer = @customer, status = @status,
       retired_at = case when @status = 'retired' then coalesce(d.retired_at, now()) end,
       site_id = case when d.customer = @customer and not @with_site then d.site_id
                      else (select s.site_id from site s where s.customer = @customer and s.site_id = @site::text) end,
       tags = case when d.customer = @customer then d.tags else coalesce(@tags::text[], '{}') end
 where d.device_id = @id;
