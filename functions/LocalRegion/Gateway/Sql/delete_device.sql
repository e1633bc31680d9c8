-- Deletes an identity with its twin and its queue.
-- in: @id text
delete from device where id = @id;
