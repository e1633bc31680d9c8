-- Deletes what the sender has been told: everything up to a sequence.
-- in: @sequence integer
delete from feedback where sequence <= @sequence;
