-- Commands by phase: all open ones, and of the ended ones those given since a time.
-- in:    @since timestamptz
-- out:   phase text, commands bigint
-- plan:  command_open, and a range of command_created
select phase, count(*) as commands from command where ended_at is null group by phase
union all
select phase, count(*) from command where ended_at is not null and created_at > @since group by phase;
