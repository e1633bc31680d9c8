-- The file has come to its end.
-- in:    @id text, @at timestamptz
update bulk_order set received_at = coalesce(received_at, @at) where bulk_id = @id;
