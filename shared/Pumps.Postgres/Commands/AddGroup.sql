-- Keeps a group of commands; nothing when its id is there already.
-- in:    @id, @command text, @arguments json, @target jsonb, @requested_by, @origin text, @devices int, @now timestamptz
-- locks: whoever adds the same id waits until commit
insert into command_group (group_id, command, arguments, target, requested_by, origin, devices, queued, created_at)
values (@id, @command, @arguments, @target, @requested_by, @origin, @devices, 0, @now)
    on conflict do nothing;
