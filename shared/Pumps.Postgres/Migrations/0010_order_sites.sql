-- Where an ordered device will stand.
-- in:    device_order as of 0006
-- out:   device_order with site_id
-- locks: device_order, for a moment
alter table device_order add column site_id text collate "C";
