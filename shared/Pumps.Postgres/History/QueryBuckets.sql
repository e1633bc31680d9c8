-- Buckets of less than an hour of one datapoint, from history.
-- in:    @device text, @point text, @read_from timestamptz (@from, or the start of its hour for an increase), @from timestamptz,
--        @to timestamptz, @width interval, @aggregate text, @limit int, @protocols text[], @points text[], @moduli numeric[]
-- out:   at timestamptz, value text (JSON); in order of time
-- plan:  one range of the primary key; partitions out of range are excluded
with reading as (
    select observed_at, seq, points -> @point as value
      from history
     where device_key = (select device_key from device where device_id = @device)
       and observed_at >= @read_from and observed_at < @to
       and points -> @point is not null
), number as (
    select observed_at, seq, value, case when jsonb_typeof(value) = 'number' then value::numeric end as number from reading
), counter as (
    select c.modulus
      from unnest(@protocols, @points, @moduli) as c(protocol, point, modulus)
      join device d on d.device_id = @device and d.protocol = c.protocol
     where c.point = split_part(@point, '.', -1)
), step as (
    select observed_at, seq, value, number,
           case when @aggregate = 'increase' and exists (select from counter) then
               counter_step(coalesce(lag(number) over (order by observed_at, seq),
                   (select last::numeric from rollup_hour
                     where device_key = (select device_key from device where device_id = @device) and point = @point and hour < @read_from
                     order by hour desc limit 1)),
                   number, (select modulus from counter)) end as step
      from number
), bucket as (
    select date_bin(@width, observed_at, '2001-01-01Z') as at,
           case @aggregate
               when 'mean'     then to_jsonb(trim_scale(round(avg(number), 6)))
               when 'min'      then to_jsonb(min(number))
               when 'max'      then to_jsonb(max(number))
               when 'last'     then (array_agg(value order by observed_at desc, seq desc))[1]
               when 'count'    then to_jsonb(count(*))
               when 'increase' then to_jsonb(sum(step))
           end as value
      from step
     where observed_at >= @from
     group by 1
)
select at, value::text as value from bucket where value is not null order by at limit @limit;
