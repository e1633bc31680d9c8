-- Newest values as observations. One document of {name: [value, time]} was merged in the database, which parsed and sorted every name again
-- with each batch: two thirds of the cost of a merge. Points of a frame share its time, and the writer merges.
-- in:    0003
-- out:   latest with observations in the place of points; latest_point for people
-- locks: latest exclusively while it is copied. A version that still writes points fails from here on; its batches come again to the new one

alter table latest rename to latest_before;
alter index latest_pkey rename to latest_before_pkey;
drop function merge_latest(jsonb, timestamptz, bigint, jsonb, bigint);

-- One row a device. observations: [[observed at, ms since 1970 UTC; sequence number; {name: value}; {name: quality}, if any], ...], newest
-- first, each point only in the newest that has it. version: a writer replaces only what it has read.
-- json, not jsonb: it is written ten times as often as it is searched, and digits stay.
-- fillfactor: every update finds room on its page and stays out of the index (HOT); no index on anything that changes.
create table latest (
    device_key   bigint      not null primary key,
    version      int         not null,
    seen_at      timestamptz not null,   -- received at, newest
    observations json        not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, toast_tuple_target = 8160);

insert into latest (device_key, version, seen_at, observations)
select b.device_key, 1, b.seen_at,
       (select coalesce(json_agg(
                   case when o.quality is null then json_build_array(o.at, o.seq, o.points) else json_build_array(o.at, o.seq, o.points, o.quality) end
                   order by o.at desc), '[]')
          from (select (p.value ->> 1)::bigint as at,
                       case when (p.value ->> 1)::bigint = floor(extract(epoch from b.max_at) * 1000)::bigint then b.max_seq else 0 end as seq,
                       coalesce(jsonb_object_agg(p.key, p.value -> 0) filter (where jsonb_array_length(p.value) = 2), '{}') as points,
                       jsonb_object_agg(p.key, case when p.value -> 0 = 'null' then p.value -> 2
                                                    else jsonb_build_object('quality', p.value -> 2, 'value', p.value -> 0) end)
                           filter (where jsonb_array_length(p.value) > 2) as quality
                  from jsonb_each(b.points) p
                 group by 1) o)
  from latest_before b;
drop table latest_before;

-- A row per device and datapoint, as JSONB. Quality is 'good', a name, or an object with the raw value beside the name.
create view latest_point with (security_invoker = true) as
select d.device_id, d.customer, p.key as point, case when k = 2 then p.value end as value, case when k = 2 then '"good"' else p.value end as quality,
       to_timestamp((o.value ->> 0)::bigint / 1000.0) as observed_at
  from latest l
  join device d on d.device_key = l.device_key
 cross join lateral json_array_elements(l.observations) o
 cross join generate_series(2, 3) k
 cross join lateral jsonb_each((o.value -> k)::jsonb) p;
