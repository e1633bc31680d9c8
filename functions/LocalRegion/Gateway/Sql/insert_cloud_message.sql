-- in: @deviceId, @messageId text, @correlationId, @userId, @contentType, @contentEncoding text?, @properties text, @body blob, @ack, @expiresAt integer
insert into cloud_message (device_id, message_id, correlation_id, user_id, content_type, content_encoding, properties, body, ack, expires_at)
values (@deviceId, @messageId, @correlationId, @userId, @contentType, @contentEncoding, @properties, @body, @ack, @expiresAt);
