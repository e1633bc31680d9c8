-- Roll-ups whose cost grows with the history that they read. The summaries of 0003 joined rows of counters in nested loops, because the planner
-- takes an array for ten rows: 2,000 device hours took forty seconds in one transaction, and as long nothing could be cleaned up behind updates.
-- in:    0003
-- out:   summarize_hours anew, with the same meaning; latest, which statistics are not for
-- locks: latest, for a moment

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

-- latest is read by its key alone: nothing is chosen by its statistics, and to sample it holds a snapshot for seconds.
alter table latest set (autovacuum_analyze_scale_factor = 100);
