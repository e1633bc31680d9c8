-- Writes a device's status. Retired, it belongs to nobody from now on; whose it was stays in the row and in ownership. Safe to repeat.
-- in:    @id, @status text
-- locks: the rows of the device
with ended as (
    update ownership set to_at = now() where @status = 'retired' and device_id = @id and to_at is null
)
update device
   set status = @status, retired_at = case when @status = 'retired' then coalesce(retired_at, now()) end
 where device_id = @id;
