-- Lets one rollout be placed at a time: two that want the same devices must see each other's transfers.
-- locks: advisory, until the transaction ends
select pg_advisory_xact_lock(hashtext('pumps.rollouts'));
