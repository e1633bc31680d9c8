-- Merges one document a device into the newest values. Safe to repeat, in any order.
-- in:    $1 bigint[] device_key, sorted; $2 timestamptz[] from_at, $3 timestamptz[] max_at, $4 bigint[] max_seq, $5 timestamptz[] seen_at,
--        $6 jsonb[] points
-- locks: the devices' rows until commit, in the order of their keys: two writers wait and do not deadlock
-- plan:  one probe of the primary key per row; updates are HOT
insert into latest as l (device_key, from_at, max_at, max_seq, seen_at, points)
select * from unnest($1, $2, $3, $4, $5, $6)
    on conflict (device_key) do update set
       points  = case when excluded.from_at > l.max_at then l.points || excluded.points   -- all of it is newer: the common case
                      else merge_latest(l.points, l.max_at, l.max_seq, excluded.points, excluded.max_seq) end,
       from_at = excluded.from_at,
       max_seq = case when (excluded.max_at, excluded.max_seq) > (l.max_at, l.max_seq) then excluded.max_seq else l.max_seq end,
       max_at  = greatest(excluded.max_at, l.max_at),
       seen_at = greatest(excluded.seen_at, l.seen_at);
