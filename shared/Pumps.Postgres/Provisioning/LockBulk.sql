-- One upload of a bulk order at a time writes lines.
-- in:    @id text
-- locks: the bulk order's row until commit
select bulk_id from bulk_order where bulk_id = @id for update;
