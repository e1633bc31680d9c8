-- Commands named by their id, or by what an answer carries: the newest of them, since a DP1 token comes again after 65,536 commands.
-- in:    @devices text[], @ids text[], @correlations text[]; one of the latter two is null
-- out:   number of the name (from 1), then as FindCommand.sql; no row for a name that is not there
-- plan:  per name the primary key backwards; what is asked for is among the newest of its device
select n.number,
       c.device_id, c.ordinal, c.command_id, c.customer, c.product, c.protocol, c.command, c.arguments::text as arguments, c.requested_by, c.origin,
       c.confirmed, c.group_id, c.correlation, c.created_at, c.expires_at, c.repeatable, c.phase, c.attempt, c.doubts, c.route, c.may_be_held,
       c.due_at, c.sent_at, c.acknowledged_at, c.ended_at, c.cancelled_by, c.reason, c.answer::text as answer, c.late
  from unnest(@devices, @ids, @correlations) with ordinality as n(device_id, command_id, correlation, number)
 cross join lateral (
       select * from command o
        where o.device_id = n.device_id and (o.command_id = n.command_id or o.correlation = n.correlation)
        order by o.ordinal desc
        limit 1) c
 order by n.number;
