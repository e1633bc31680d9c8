-- How many orders a driver would find now.
-- in:    @now timestamptz
-- plan:  a range of device_order_due
select count(*)::int from device_order where due_at <= @now and (lease_until is null or lease_until <= @now);
