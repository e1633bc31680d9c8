-- Makes rows for devices that speak before provisioning has told of them. Existing ones stay as they are.
-- in:    @ids text[], @offering text
-- locks: the new rows until commit; ids come sorted, so that two batches wait and do not deadlock
-- plan:  one probe of device_id per id
insert into device (device_id, protocol, offering)
select id, split_part(id, '-', 1), @offering
  from unnest(@ids) id
 where not exists (select from device d where d.device_id = id)
    on conflict (device_id) do nothing;
