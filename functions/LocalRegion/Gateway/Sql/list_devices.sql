-- Every identity, for the memory.
-- out: id, protocol, offering, product, customer, region text, utc_offset integer?, keys blob, enabled, subscriptions, keys_replaced integer
select id, protocol, offering, product, customer, region, utc_offset, keys, enabled, subscriptions, device_id is not null
  from device
  left join replaced_key on device_id = id;
