-- The oldest message of a device.
-- in:  @deviceId text
-- out: sequence integer, message_id text, correlation_id, user_id, content_type, content_encoding text?, properties text, body blob,
--      ack, expires_at, deliveries integer
select sequence, message_id, correlation_id, user_id, content_type, content_encoding, properties, body, ack, expires_at, deliveries
  from cloud_message
 where device_id = @deviceId
 order by sequence
 limit 1;
