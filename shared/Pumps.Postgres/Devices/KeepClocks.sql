-- Keeps what was found of clocks, unless they became due anew since they were claimed.
-- in:    @devices text[], @offsets smallint[], @commands text[], @dues timestamptz[], @claimed timestamptz
-- locks: the clocks until commit
-- plan:  one probe per device
update device_clock k
   set utc_offset = n.utc_offset, command_id = n.command_id, due_at = n.due_at
  from unnest(@devices::text[], @offsets::smallint[], @commands::text[], @dues::timestamptz[]) n (device_id, utc_offset, command_id, due_at)
 where k.device_id = n.device_id and k.due_at = @claimed;
