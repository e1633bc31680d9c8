-- Appends observations that are most likely new.
-- in:    binary rows
-- locks: rows of its keys until commit; fails with 23505 when a key is there already
copy history (device_key, observed_at, seq, received_at, historical, clock, points, quality) from stdin (format binary)
