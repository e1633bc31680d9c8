-- Writes a device's status. Safe to repeat.
-- in:    @id, @status text
-- locks: the device's row
update device
   set status = @status, retired_at = case when @status = 'retired' then coalesce(retired_at, now()) end
 where device_id = @id;
