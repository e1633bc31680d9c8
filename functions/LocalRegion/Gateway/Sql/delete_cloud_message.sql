-- in:  @sequence integer
-- out: device_id, message_id text, ack integer; no row when it is settled already
delete from cloud_message where sequence = @sequence returning device_id, message_id, ack;
