-- Appends the staged observations that are not there yet.
-- out:   rows affected = how many were new
-- locks: rows of its keys until commit; the batch is sorted by key
-- plan:  scan of the stage, one probe of the primary key per row
insert into history (device_key, observed_at, seq, received_at, historical, clock, points, quality)
select device_key, observed_at, seq, received_at, historical, clock, points, quality from history_stage
    on conflict do nothing
