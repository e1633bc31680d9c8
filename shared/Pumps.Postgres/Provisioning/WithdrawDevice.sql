-- Takes back a row that an order has made: it stays, because what the device may have sent hangs on it, and belongs to nobody and never did. Safe to repeat.
-- in:    @id text
-- locks: the device's row
with gone as (
    delete from ownership where device_id = @id
)
update device
   set status = 'retired', customer = '', product = '', retired_at = coalesce(retired_at, now())
 where device_id = @id;
