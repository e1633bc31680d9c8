-- Writes merged documents, each only over the version that it was made from.
-- in:    $1 bigint[] device_key, sorted; $2 int[] version, with this time; $3 timestamptz[] seen_at; $4 json[] observations
-- out:   rows affected = documents written; fewer when another writer was faster: read, merge and write again
-- locks: the devices' rows, in the order of their keys: two writers wait and do not deadlock
-- plan:  one probe of the primary key per row; updates are HOT. unnest in the select list streams; in "from" it would go through a store
insert into latest as l (device_key, version, seen_at, observations)
select unnest($1), unnest($2), unnest($3), unnest($4)
    on conflict (device_key) do update set
       version = excluded.version, observations = excluded.observations, seen_at = greatest(excluded.seen_at, l.seen_at)
 where l.version = excluded.version - 1
