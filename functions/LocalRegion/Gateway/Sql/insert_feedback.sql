-- in: @deviceId, @messageId text, @outcome, @at integer
insert into feedback (device_id, message_id, outcome, at) values (@deviceId, @messageId, @outcome, @at);
