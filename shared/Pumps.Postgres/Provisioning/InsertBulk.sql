-- Opens a bulk order. Safe to repeat.
-- in:    @id text, @at timestamptz
insert into bulk_order (bulk_id, created_at) values (@id, @at) on conflict (bulk_id) do nothing;
