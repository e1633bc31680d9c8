-- A place for a batch that has repeats among its rows; gone with the transaction.
-- out:   the temporary table history_stage
create temporary table history_stage (like history) on commit drop
