-- Buckets of whole hours of one datapoint, from the roll-ups; hours whose roll-up is due are computed from history, so that a chart has
-- no hole at its right end.
-- in:    @device text, @point text, @from timestamptz (start of a bucket), @to timestamptz, @width interval, @whole_days boolean,
--        @aggregate text, @limit int, @protocols text[], @points text[], @moduli numeric[]
-- out:   at timestamptz, value text (JSON); in order of time
-- plan:  one range of each roll-up's primary key; partitions out of range are excluded
with pending as materialized (
    select distinct device_key, hour
      from rollup_mark
     where device_key = (select device_key from device where device_id = @device) and hour >= @from and hour < @to
), part as (
    select r.day as at, r.count, r.min, r.max, r.sum, r.increase, r.last, r.last_at
      from rollup_day r
     where @whole_days
       and r.device_key = (select device_key from device where device_id = @device) and r.point = @point and r.day >= @from and r.day < @to
       and not exists (select from pending p where p.hour >= r.day and p.hour < r.day + interval '1 day')
     union all
    select r.hour, r.count, r.min, r.max, r.sum, r.increase, r.last, r.last_at
      from rollup_hour r
     where r.device_key = (select device_key from device where device_id = @device) and r.point = @point and r.hour >= @from and r.hour < @to
       and not exists (select from pending p where p.hour = r.hour)
       and (not @whole_days
            or r.hour >= (select date_trunc('day', min(hour), 'UTC') from pending)
               and exists (select from pending p where date_trunc('day', p.hour, 'UTC') = date_trunc('day', r.hour, 'UTC')))
     union all
    select s.hour, s.count, s.min, s.max, s.sum, s.increase, s.last, s.last_at
      from (select array_agg(device_key) as keys, array_agg(hour) as hours from pending) p,
           summarize_hours(p.keys, p.hours, @protocols, @points, @moduli, @point) s
), bucket as (
    select date_bin(@width, at, '2001-01-01Z') as at,
           case @aggregate
               when 'mean'     then to_jsonb(trim_scale(round(sum(sum) / sum(count), 6)))
               when 'min'      then to_jsonb(min(min))
               when 'max'      then to_jsonb(max(max))
               when 'last'     then (array_agg(last order by last_at desc))[1]
               when 'count'    then to_jsonb(sum(count))
               when 'increase' then to_jsonb(sum(increase))
           end as value
      from part
     group by 1
)
select at, value::text as value from bucket where value is not null order by at limit @limit;
