-- in:  @deviceId text
-- out: integer
select count(*) from cloud_message where device_id = @deviceId;
