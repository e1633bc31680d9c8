-- Notes that a dead letter was replayed; the first time stays.
-- in:    @id bigint
-- locks: the row
update dead_letter set replayed_at = now() where id = @id and replayed_at is null;
