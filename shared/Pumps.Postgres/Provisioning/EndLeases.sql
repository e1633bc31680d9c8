-- Ends every lease.
-- locks: the rows that have one
-- plan:  device_order_due as a whole, which has the open orders only
update device_order set lease_until = null where due_at is not null and lease_until is not null;
