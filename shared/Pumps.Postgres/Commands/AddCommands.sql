-- Puts one command behind those of each device; nothing where its id is there already. After TakeTurns.sql, as a statement of its own: it must see
-- what the turns before have committed.
-- in:    per device @devices, @customers, @products, @protocols text[], @correlations text[] (null for a DP1 token), @expires timestamptz[],
--        @repeatable boolean[]; for all @id, @command text, @arguments jsonb, @requested_by, @origin text, @confirmed boolean, @group text or null,
--        @now timestamptz
-- out:   device_id text of those that have got it
-- plan:  per device one probe of command_id, one of command_open
with fresh as (
    select n.*
      from unnest(@devices, @customers, @products, @protocols, @correlations, @expires, @repeatable)
           as n(device_id, customer, product, protocol, correlation, expires_at, repeatable)
     where not exists (select from command c where c.device_id = n.device_id and c.command_id = @id)
), turn as (
    update command_device t
       set last_ordinal = t.last_ordinal + 1
      from fresh
     where t.device_id = fresh.device_id
 returning t.device_id, t.last_ordinal
)
insert into command (
       device_id, ordinal, command_id, customer, product, protocol, command, arguments, requested_by, origin, confirmed, group_id, correlation,
       created_at, expires_at, repeatable, phase, attempt, doubts, route, due_at)
select device_id, turn.last_ordinal, @id, fresh.customer, fresh.product, fresh.protocol, @command, @arguments, @requested_by, @origin, @confirmed, @group,
       coalesce(fresh.correlation, (turn.last_ordinal % 65536)::text), @now, fresh.expires_at, fresh.repeatable, 'queued', 0, 0, 'none',
       case when exists (select from command o where o.device_id = fresh.device_id and o.ended_at is null) then fresh.expires_at else @now end
  from fresh
  join turn using (device_id)
returning device_id;
