-- The devices that a group of commands is for, in the order of their ids: those at a site, with a tag, of a customer, or in a list. The retired ones
-- are gone.
-- in:    @site, @tag, @customer text or null, @devices text[] or null, @limit int
-- out:   as FindTarget.sql
-- plan:  a range of device_site or device_customer, device_tags, or one probe of device_id per name
select device_id, protocol, product, customer
  from device
 where status <> 'retired'
   and (@site::text is null or site_id = @site)
   and (@tag::text is null or tags @> array[@tag::text])
   and (@customer::text is null or customer = @customer)
   and (@devices::text[] is null or device_id = any(@devices))
 order by device_id
 limit @limit;
