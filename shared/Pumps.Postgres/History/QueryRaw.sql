-- Single values of one datapoint.
-- in:    @device text, @point text, @from timestamptz, @to timestamptz, @limit int
-- out:   at timestamptz, value text (JSON); in order of time
-- plan:  one range of the primary key; partitions out of range are excluded
select observed_at as at, (points -> @point)::text as value
  from history
 where device_key = (select device_key from device where device_id = @device)
   and observed_at >= @from and observed_at < @to
   and points -> @point is not null
 order by observed_at, seq
 limit @limit;
