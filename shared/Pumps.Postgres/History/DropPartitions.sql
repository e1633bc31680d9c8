-- Drops the partitions that end at or before a time.
-- in:    @table text, @keep_from timestamptz
-- out:   how many were dropped, int
-- locks: the table exclusively, for a moment
select drop_partitions(@table::regclass, @keep_from);
