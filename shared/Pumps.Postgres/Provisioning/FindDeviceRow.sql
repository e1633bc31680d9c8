-- The row of a device as an order finds it.
-- in:    @id text
-- plan:  one probe
select offering, product, customer, status from device where device_id = @id;
