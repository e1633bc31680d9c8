-- Keeps messages that could not be handled. Safe to repeat: a place in a hub is kept once.
-- in:    @device_ids text[], @hubs text[], @partitions text[], @sequences bigint[], @enqueued timestamptz[], @codes text[], @details text[],
--        @properties jsonb[], @bodies bytea[]
-- plan:  one probe of the primary key per row
insert into dead_letter (device_id, hub, partition, sequence, enqueued_at, code, detail, properties, body)
select * from unnest(@device_ids, @hubs, @partitions, @sequences, @enqueued, @codes, @details, @properties, @bodies)
    on conflict do nothing;
