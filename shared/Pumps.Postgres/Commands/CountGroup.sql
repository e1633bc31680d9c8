-- Keeps how many devices of a group have got its command.
-- in:    @id text, @queued int
update command_group set queued = @queued where group_id = @id;
