-- Marks an open order as confirmed, or as cancelled, and makes it due. Whoever is at work on it will find that it has changed.
-- in:    @id text, @confirmed, @cancelled boolean, @now timestamptz
-- locks: the order's row
update device_order
   set confirmed = confirmed or @confirmed, cancelled = cancelled or @cancelled, version = version + 1, due_at = @now, lease_until = null
 where order_id = @id and closed_at is null;
