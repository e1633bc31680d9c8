-- Puts a command behind those of its device; nothing when its id is there already. After TakeTurn.sql, as a statement of its own: it must see
-- what the turn before has committed.
-- in:    @device, @id, @customer, @product, @protocol, @command text, @arguments jsonb, @requested_by, @origin text, @confirmed boolean,
--        @group text or null, @correlation text or null for a DP1 token, @now, @expires_at timestamptz, @repeatable boolean
with fresh as (
    update command_device
       set last_ordinal = last_ordinal + 1
     where device_id = @device
       and not exists (select from command where device_id = @device and command_id = @id)
 returning last_ordinal
)
insert into command (
       device_id, ordinal, command_id, customer, product, protocol, command, arguments, requested_by, origin, confirmed, group_id, correlation,
       created_at, expires_at, repeatable, phase, attempt, doubts, route, due_at)
select @device, last_ordinal, @id, @customer, @product, @protocol, @command, @arguments, @requested_by, @origin, @confirmed, @group,
       coalesce(@correlation, (last_ordinal % 65536)::text), @now, @expires_at, @repeatable, 'queued', 0, 0, 'none',
       case when exists (select from command where device_id = @device and ended_at is null) then @expires_at else @now end
  from fresh;
