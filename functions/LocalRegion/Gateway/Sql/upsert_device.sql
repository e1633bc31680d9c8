-- Creates an identity; an existing one keeps its keys and gets the given tags.
-- in:  @id text, @protocol .. @region text, @utcOffset integer?, @keys blob (used for a new device only)
-- out: keys blob, enabled integer, subscriptions integer
insert into device (id, protocol, offering, product, customer, region, utc_offset, keys)
values (@id, @protocol, @offering, @product, @customer, @region, @utcOffset, @keys)
    on conflict (id) do update
   set protocol = excluded.protocol, offering = excluded.offering, product = excluded.product,
       customer = excluded.customer, region = excluded.region, utc_offset = excluded.utc_offset
returning keys, enabled, subscriptions;
