-- Gives a device the keys of its enrollment, unless one of its keys was replaced since it got its first ones.
-- in:  @id text, @keys blob (primary, then secondary)
-- out: keys blob as they are now; no row for an unknown device
update device
   set keys = case when exists (select 1 from replaced_key where device_id = id) then keys else @keys end
 where id = @id
returning keys;
