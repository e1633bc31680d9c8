-- Roll-ups whose cost grows with the history that they read. The summaries of 0003 joined rows of counters in nested loops, because the planner
-- takes an array for ten rows: 2,000 device hours took forty seconds in one transaction, and as long nothing could be cleaned up behind updates.
-- in:    0002, 0003
-- out:   summarize_hours and ensure_partitions anew, with the same meaning; tables that are sampled less
-- locks: the tables of datapoints against vacuum and changes of their form, for a moment; nobody who reads or writes

create or replace function summarize_hours(
    keys bigint[], hours timestamptz[], counter_protocols text[], counter_points text[], counter_moduli numeric[], only_point text)
    returns table (device_key bigint, point text, hour timestamptz, count bigint, min numeric, max numeric, sum numeric, increase numeric,
                   last jsonb, last_at timestamptz)
    language sql stable as $$
    with due as materialized (
        select distinct u.device_key, u.hour, d.protocol
          from unnest(keys, hours) as u(device_key, hour)
          join device d on d.device_key = u.device_key
    ), summary as materialized (   -- laterals throughout: each device hour by itself, whatever the planner believes of their number
        select d.device_key, d.hour, o.point, o.count, o.min, o.max, o.sum, o.last_at, l.last, c.point is not null as is_counter, c.modulus, g.first, g.steps
          from due d
         cross join lateral (
               select v.point, count(*) as count, min(v.number) as min, max(v.number) as max, sum(v.number) as sum, max(v.observed_at) as last_at
                 from (select h.observed_at, e.key as point, case when jsonb_typeof(e.value) = 'number' then e.value::numeric end as number
                         from history h
                        cross join lateral jsonb_each(   -- no filter on its rows: the planner would take them for one, and sort what it can hash
                              case when only_point is null then h.points else jsonb_build_object(only_point, h.points -> only_point) end) e
                        where h.device_key = d.device_key
                          and h.observed_at >= d.hour
                          and h.observed_at < d.hour + interval '1 hour'
                          and (only_point is null or h.points ? only_point)
                       offset 0) v
                group by v.point) o
         cross join lateral (
               select h.points -> o.point as last
                 from history h
                where h.device_key = d.device_key and h.observed_at = o.last_at and h.points ? o.point
                order by h.seq desc limit 1) l
          left join unnest(counter_protocols, counter_points, counter_moduli) as c(protocol, point, modulus)
            on c.protocol = d.protocol and c.point = split_part(o.point, '.', -1)
         cross join lateral (   -- only counters are worth reading again, and sorting
               select (array_agg(r.number) filter (where r.before is null))[1] as first, sum(counter_step(r.before, r.number, c.modulus)) as steps
                 from (select n.number, lag(n.number) over (order by n.observed_at, n.seq) as before
                         from (select h.observed_at, h.seq, (h.points -> o.point)::numeric as number
                                 from history h
                                where c.point is not null
                                  and h.device_key = d.device_key
                                  and h.observed_at >= d.hour
                                  and h.observed_at < d.hour + interval '1 hour'
                                  and jsonb_typeof(h.points -> o.point) = 'number'
                               offset 0) n) r) g
    )
    select s.device_key, s.point, s.hour, s.count, s.min, s.max, s.sum,
           case when s.is_counter then s.steps + counter_step(case when jsonb_typeof(b.before) = 'number' then b.before::numeric end, s.first, s.modulus) end,
           s.last, s.last_at
      from (select m.*, lag(m.hour) over w as hour_before, lag(m.last) over w as last_before
              from summary m
            window w as (partition by m.device_key, m.point order by m.hour)) s
      left join lateral (   -- an hour that is not among them may lie between
           select r.last from rollup_hour r
            where s.is_counter
              and r.device_key = s.device_key and r.point = s.point
              and r.hour < s.hour and (s.hour_before is null or r.hour > s.hour_before)
            order by r.hour desc limit 1) p on true
     cross join lateral (select coalesce(p.last, s.last_before) as before) b
$$;

-- Statistics. To sample a table is to hold a snapshot, and behind it no dead row of any table can be cleaned up: five seconds for a day of history,
-- in which each row of latest dies twenty times. latest is read by its key alone and needs none; rows of partitions are found by their keys, for
-- which a tenth of the sample does.
alter table latest set (autovacuum_analyze_scale_factor = 100);

do $$
declare
    columns text;
    parent  regclass;
begin
    foreach parent in array array['history', 'rollup_hour', 'rollup_day']::regclass[] loop
        select string_agg(format('alter column %I set statistics 10', a.attname), ', ') into columns
          from pg_attribute a where a.attrelid = parent and a.attnum > 0 and not a.attisdropped;
        execute format('alter table %s %s', parent, columns);   -- and its partitions
    end loop;
end $$;

-- Makes the partitions of a table that cover [from_at, to_at), of one day, month or year each; existing ones stay.
-- Also those for rows that wait in the default partition, if they are not older than keep_from; older ones are deleted.
-- locks: the default partition exclusively, for as long as its rows are moved (seconds at most: it is nearly empty);
--        the table itself only against other changes of its partitions. Writers to other partitions go on.
create or replace function ensure_partitions(parent regclass, column_name text, width text, from_at timestamptz, to_at timestamptz, keep_from timestamptz)
    returns int language plpgsql set timezone = 'UTC' as $$
declare
    stray     regclass := to_regclass(parent::text || '_default');
    step      interval := ('1 ' || width)::interval;
    start     timestamptz;
    partition text;
    made      int := 0;
begin
    if (select relkind from pg_class where oid = parent) <> 'p' then
        return 0;   -- a hypertable makes its chunks itself
    end if;

    perform pg_advisory_xact_lock(hashtext('pumps.partitions'));

    execute format('delete from %s where %I < $1', stray, column_name) using keep_from;

    for start in execute format(
        'select at from generate_series(date_trunc($1, $2), $3 - interval ''1 microsecond'', $4) at
         union select distinct date_trunc($1, %I) from %s where %I < $3 order by 1', column_name, stray, column_name)
        using width, from_at, to_at, step
    loop
        partition := parent::text || to_char(start, case width when 'day' then '"_p"YYYYMMDD' when 'month' then '"_p"YYYYMM' else '"_p"YYYY' end);
        continue when to_regclass(partition) is not null;

        -- Built aside with a check that proves its range, so that attaching it reads nothing but the default partition.
        execute format('create table %s (like %s including defaults including storage including constraints)', partition, parent);
        execute format('alter table %s add primary key (%s)', partition,
            (select string_agg(quote_ident(a.attname), ', ' order by k.ordinality)
               from pg_constraint c, unnest(c.conkey) with ordinality k(attnum, ordinality), pg_attribute a
              where c.conrelid = parent and c.contype = 'p' and a.attrelid = parent and a.attnum = k.attnum));
        execute format('alter table %s add constraint in_range check (%I >= %L and %I < %L)',
            partition, column_name, start, column_name, start + step);

        execute format('lock table %s in access exclusive mode', stray);
        execute format('with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %s select * from moved',
            stray, column_name, start, column_name, start + step, partition);
        execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, partition, start, start + step);
        execute format('alter table %s drop constraint in_range', partition);
        execute (select format('alter table %s %s', partition, string_agg(format('alter column %I set statistics 10', a.attname), ', '))
                   from pg_attribute a where a.attrelid = parent and a.attnum > 0 and not a.attisdropped);
        made := made + 1;
    end loop;
    return made;
end $$;
