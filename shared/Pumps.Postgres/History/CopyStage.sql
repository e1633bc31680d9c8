-- Fills the stage.
-- in:    binary rows
copy history_stage (device_key, observed_at, seq, received_at, historical, clock, points, quality) from stdin (format binary)
