-- Takes back a row that an order has made: it stays, because what the device may have sent hangs on it, and belongs to nobody. Safe to repeat.
-- in:    @id text
-- locks: the rows of the device
with never as (
    delete from ownership where device_id = @id and to_at is null
)
update device
   set status = 'retired', customer = '', product = '', retired_at = coalesce(retired_at, now())
 where device_id = @id;
