-- Numbers frames that are about to be sent down to a device, as many as the pace has given. After TakePace.sql, within its transaction: what it has given
-- stands in its row. The turn of the device was taken.
-- in:    @device, @route text, @units int: of the pace, for each frame
-- out:   frames int, first bigint: the number of the first one
update command_device d
   set last_downlink = d.last_downlink + p.given / @units
  from command_pace p
 where d.device_id = @device
   and p.route = @route
returning p.given / @units as frames, d.last_downlink - p.given / @units + 1 as first;
