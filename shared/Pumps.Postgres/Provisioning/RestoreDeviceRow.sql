-- Makes a row as an order found it. If the order had given it to another customer, its site and its words, which went with that, come back, and that
-- customer has never owned it. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer, @status text, @site text?, @tags text[]?, @owned_since timestamptz?
-- locks: the device's row, its last rows of ownership
update device d
   set protocol = @protocol, offering = @offering, product = @product, customer = @customer, status = @status,
       retired_at = case when @status = 'retired' then coalesce(d.retired_at, now()) end,
       site_id = case when d.customer = @customer then d.site_id
                      else (select s.site_id from site s where s.customer = @customer and s.site_id = @site) end,
       tags = case when d.customer = @customer then d.tags else coalesce(@tags, '{}') end
 where d.device_id = @id;
delete from ownership where device_id = @id and from_at > @owned_since;
update ownership set to_at = null where device_id = @id and from_at = @owned_since and to_at is not null;
