-- Every identity, for the memory.
-- out: id, protocol, offering, product, customer, region text, utc_offset integer?, keys blob, enabled, subscriptions integer
select id, protocol, offering, product, customer, region, utc_offset, keys, enabled, subscriptions
  from device;
