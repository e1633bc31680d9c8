-- Keeps that submissions were refused.
-- in:    per device @devices, @customers, @reasons text[], @faults json[]; for all @id, @command text, @arguments json, @requested_by, @origin text,
--        @group text or null, @now timestamptz
insert into command_audit (device_id, at, customer, command_id, command, arguments, requested_by, origin, group_id, result, reason, faults)
select n.device_id, @now, n.customer, @id, @command, @arguments, @requested_by, @origin, @group, 'not_taken', n.reason, n.faults
  from unnest(@devices, @customers, @reasons, @faults) as n(device_id, customer, reason, faults);
