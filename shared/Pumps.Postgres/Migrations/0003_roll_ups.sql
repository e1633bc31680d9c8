-- Functions that compute roll-ups from history. Hours and days are those of UTC; an observation at 13:00:00.000 belongs to the hour 13.
-- in:    0001
-- out:   counter_step, summarize_hours, roll_up
-- locks: none

-- How much a counter grew between two readings. A smaller reading has wrapped; without a modulus the device started again from zero.
create function counter_step(before numeric, after numeric, modulus numeric) returns numeric
    language sql immutable parallel safe
    return case when before is null     then 0
                when after >= before    then after - before
                when modulus is null    then after
                else after - before + modulus end;

-- Summaries of hours of devices, straight from history.
-- in:    keys and hours pairwise; counters: protocol, point name without path, modulus or null; only_point null for all
-- out:   a row per device, hour and point that has values. increase is null unless the point is a counter, and includes the step from
--        the last value before the hour, as history of these hours and the roll-ups of others tell it
-- plan:  per device and hour one range of history's primary key in one partition
create function summarize_hours(
    keys bigint[], hours timestamptz[], counter_protocols text[], counter_points text[], counter_moduli numeric[], only_point text)
    returns table (device_key bigint, point text, hour timestamptz, count bigint, min numeric, max numeric, sum numeric, increase numeric,
                   last jsonb, last_at timestamptz)
    language sql stable as $$
    with counter as materialized (
        select * from unnest(counter_protocols, counter_points, counter_moduli) as c(protocol, point, modulus)
    ), due as materialized (
        select distinct u.device_key, u.hour, d.protocol
          from unnest(keys, hours) as u(device_key, hour)
          join device d on d.device_key = u.device_key
    ), value as materialized (
        select d.device_key, d.hour, d.protocol, v.*
          from due d
         cross join lateral (
               select h.observed_at, h.seq, e.key as point, case when jsonb_typeof(e.value) = 'number' then e.value::numeric end as number
                 from history h
                cross join lateral jsonb_each(h.points) e
                where h.device_key = d.device_key
                  and h.observed_at >= d.hour
                  and h.observed_at < d.hour + interval '1 hour'
                  and (only_point is null or e.key = only_point)
               offset 0) v   -- offset 0: stays a probe per hour, whatever the planner believes of the hours' number
    ), outline as materialized (   -- hashed: only counters are worth sorting
        select v.device_key, v.point, v.hour, v.protocol, count(*) as count, min(v.number) as min, max(v.number) as max, sum(v.number) as sum,
               max(v.observed_at) as last_at
          from value v
         group by v.device_key, v.point, v.hour, v.protocol
    ), counted as (
        select o.device_key, o.point, o.hour, c.modulus
          from outline o
          join counter c on c.protocol = o.protocol and c.point = split_part(o.point, '.', -1)
    ), growth as (
        select r.device_key, r.point, r.hour, r.modulus,
               (array_agg(r.number) filter (where r.before is null))[1] as first, sum(counter_step(r.before, r.number, r.modulus)) as steps
          from (select c.device_key, c.point, c.hour, c.modulus, v.number,
                       lag(v.number) over (partition by c.device_key, c.point, c.hour order by v.observed_at, v.seq) as before
                  from counted c
                  join value v on v.device_key = c.device_key and v.point = c.point and v.hour = c.hour) r
         group by r.device_key, r.point, r.hour, r.modulus
    ), summary as materialized (
        select o.*, l.last, g.device_key is not null as is_counter, g.modulus, g.first, g.steps
          from outline o
         cross join lateral (
               select h.points -> o.point as last
                 from history h
                where h.device_key = o.device_key and h.observed_at = o.last_at and h.points ? o.point
                order by h.seq desc limit 1) l
          left join growth g on g.device_key = o.device_key and g.point = o.point and g.hour = o.hour
    ), chain as (
        select s.device_key, s.point, s.hour, s.last from summary s where s.is_counter
         union   -- the newest hour before each that is not among them
        select s.device_key, s.point, p.hour, p.last
          from summary s
         cross join lateral (
               select r.hour, r.last from rollup_hour r
                where r.device_key = s.device_key and r.point = s.point and r.hour < s.hour
                order by r.hour desc limit 1) p
         where s.is_counter
           and not exists (select from due d where d.device_key = s.device_key and d.hour = p.hour)
    ), link as (
        select c.device_key, c.point, c.hour, lag(c.last) over (partition by c.device_key, c.point order by c.hour) as before from chain c
    )
    select s.device_key, s.point, s.hour, s.count, s.min, s.max, s.sum,
           case when s.is_counter then s.steps + counter_step(l.before::numeric, s.first, s.modulus) end,
           s.last, s.last_at
      from summary s
      left join link l on s.is_counter and l.device_key = s.device_key and l.point = s.point and l.hour = s.hour
$$;

-- Takes marks of hours that ended before closed, oldest first, and computes these hours and their days anew.
-- in:    keep_from: marks of older hours are dropped, their history is (partly) gone
-- out:   how many device hours were taken; less than hours_max means that none are left
-- locks: one roll-up at a time (advisory); marks that arrive meanwhile stay
create function roll_up(
    closed timestamptz, keep_from timestamptz, hours_max int, counter_protocols text[], counter_points text[], counter_moduli numeric[])
    returns int language plpgsql as $$
declare
    keys  bigint[];
    hours timestamptz[];
    taken int;
    day_keys   bigint[];
    day_points text[];
    days       timestamptz[];
begin
    perform pg_advisory_xact_lock(hashtext('pumps.rollups'));

    with due as (
        select distinct device_key, hour from rollup_mark where hour < closed order by hour, device_key limit hours_max
    ), gone as (
        delete from rollup_mark m using due d where m.device_key = d.device_key and m.hour = d.hour
    )
    select count(*), array_agg(device_key) filter (where hour >= keep_from), array_agg(hour) filter (where hour >= keep_from)
      into taken, keys, hours
      from due;

    -- From here on a newer snapshot: it has at least the history of every mark that was taken.
    -- Late data changes the first step of the next hour too: the second round, empty when data comes in order.
    while keys is not null loop
        with done as (
            insert into rollup_hour as r (device_key, point, hour, count, min, max, sum, increase, last, last_at)
            select * from summarize_hours(keys, hours, counter_protocols, counter_points, counter_moduli, null)
                on conflict (device_key, point, hour) do update set
                   count = excluded.count, min = excluded.min, max = excluded.max, sum = excluded.sum, increase = excluded.increase,
                   last = excluded.last, last_at = excluded.last_at
            returning device_key, point, hour, increase
        ), changed_day as (
            select distinct device_key, point, date_trunc('day', hour, 'UTC') as day from done
        ), next as (
            select distinct d.device_key, n.hour
              from done d
             cross join lateral (
                   select min(r.hour) as hour from rollup_hour r
                    where r.device_key = d.device_key and r.point = d.point and r.hour > d.hour) n
             where d.increase is not null
               and n.hour is not null
               and not exists (select from unnest(keys, hours) as u(device_key, hour) where u.device_key = d.device_key and u.hour = n.hour)
        )
        select n.keys, n.hours, c.keys, c.points, c.days
          into keys, hours, day_keys, day_points, days
          from (select array_agg(device_key) as keys, array_agg(hour) as hours from next) n,
               (select array_agg(device_key) as keys, array_agg(point) as points, array_agg(day) as days from changed_day) c;

        insert into rollup_day as r (device_key, point, day, count, min, max, sum, increase, last, last_at)
        select c.device_key, c.point, c.day, sum(h.count), min(h.min), max(h.max), sum(h.sum), sum(h.increase),
               (array_agg(h.last order by h.hour desc))[1], max(h.last_at)
          from unnest(day_keys, day_points, days) as c(device_key, point, day)
          join rollup_hour h
            on h.device_key = c.device_key and h.point = c.point and h.hour >= c.day and h.hour < c.day + interval '1 day'
         group by c.device_key, c.point, c.day
            on conflict (device_key, point, day) do update set
               count = excluded.count, min = excluded.min, max = excluded.max, sum = excluded.sum, increase = excluded.increase,
               last = excluded.last, last_at = excluded.last_at;

        exit when hours is null;
    end loop;
    return taken;
end $$;
