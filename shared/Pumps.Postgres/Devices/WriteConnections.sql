-- Writes connections. Two first events of one device at once: the later one stays.
-- in:    @ids, @phases text[], @sinces, @lefts, @dues timestamptz[], @sequences text[]
-- locks: the connections' rows
insert into device_connection (device_id, phase, since, left_at, due_at, sequence)
select * from unnest(@ids, @phases, @sinces, @lefts, @dues, @sequences)
    on conflict (device_id) do update
   set phase = excluded.phase, since = excluded.since, left_at = excluded.left_at, due_at = excluded.due_at, sequence = excluded.sequence
 where device_connection.sequence <= excluded.sequence;
