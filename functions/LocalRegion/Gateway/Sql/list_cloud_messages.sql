-- in:  @deviceId text
-- out: sequence integer
select sequence from cloud_message where device_id = @deviceId order by sequence;
