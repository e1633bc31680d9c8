-- Keeps that a request was refused.
-- in:    @at timestamptz, @customer, @requested_by, @origin, @action, @target, @command, @rule, @detail text
insert into request_audit (at, customer, requested_by, origin, action, target, command, rule, detail)
values (@at, @customer, @requested_by, @origin, @action, @target, @command, @rule, @detail);
