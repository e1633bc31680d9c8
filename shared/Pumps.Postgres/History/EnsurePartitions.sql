-- Makes partitions from @from to @to, and those for rows that wait in the default partition.
-- in:    @table text, @column text, @width text ('day', 'month', 'year'), @from timestamptz, @to timestamptz, @keep_from timestamptz
-- out:   how many were made, int
-- locks: 0002_partitions.sql
select ensure_partitions(@table::regclass, @column, @width, @from, @to, @keep_from);
