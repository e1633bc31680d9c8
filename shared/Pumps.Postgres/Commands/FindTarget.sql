-- What a command must know of its device.
-- in:    @device text
-- plan:  one probe of device_id
select device_id, protocol, product, customer from device where device_id = @device;
