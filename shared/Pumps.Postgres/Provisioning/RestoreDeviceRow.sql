-- Makes a row as an order found it. If the order had given it to another customer, its site and its words, which went with that, come back; the site also
-- if the order had another one. So does the time for which it was its customer's, as one: that of the other customer, who got nothing, goes. Safe to repeat.
-- in:    @id, @protocol, @offering, @product, @customer, @status text, @site text?, @tags text[]?, @with_site boolean
-- locks: the device's row
with gone as (
    delete from ownership o
     using device d
     where d.device_id = @id and d.customer <> @customer
       and o.device_id = d.device_id and o.customer = d.customer and o.to_at is null
       and (@customer = '' or exists (
           select from ownership before where before.device_id = o.device_id and before.customer = @customer and before.to_at = o.from_at))
 returning o.from_at
), back as (
    -- The trigger on device finds it open, and adds none.
    update ownership o set to_at = null from gone where o.device_id = @id and o.customer = @customer and o.to_at = gone.from_at
)
update device d
   set protocol = @protocol, offering = @offering, product = @product, customer = @customer, status = @status,
       retired_at = case when @status = 'retired' then coalesce(d.retired_at, now()) end,
       site_id = case when d.customer = @customer and not @with_site then d.site_id
                      else (select s.site_id from site s where s.customer = @customer and s.site_id = @site::text) end,
       tags = case when d.customer = @customer then d.tags else coalesce(@tags::text[], '{}') end
 where d.device_id = @id;
