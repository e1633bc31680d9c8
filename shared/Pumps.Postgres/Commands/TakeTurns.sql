-- Takes the turns of devices; in the order of their ids, so that two who take several do not wait for each other in a circle.
-- in:    @devices text[]
-- locks: the devices' rows of command_device until commit
select device_id from command_device where device_id = any(@devices) order by device_id for update;
