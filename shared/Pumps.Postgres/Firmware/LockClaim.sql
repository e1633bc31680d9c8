-- Lets one host look for due transfers at a time: together they queue no more than one of them may.
-- locks: advisory, until the transaction ends
select pg_advisory_xact_lock(hashtext('pumps.transfers'));
