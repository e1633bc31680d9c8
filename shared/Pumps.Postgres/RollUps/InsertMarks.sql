-- Marks hours of devices whose roll-up is due; in the transaction that appends their history.
-- in:    @keys bigint[], @hours timestamptz[]
-- locks: none that anybody waits for
insert into rollup_mark (device_key, hour) select * from unnest(@keys, @hours);
