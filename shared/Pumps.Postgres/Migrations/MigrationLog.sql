-- The log of applied migrations, and the lock that lets one process migrate at a time.
-- out:   the table schema_migration
-- locks: advisory, until the transaction ends
select pg_advisory_xact_lock(hashtext('pumps.migrations'));
create table if not exists schema_migration (
    name       text        not null primary key,
    checksum   text        not null,
    applied_at timestamptz not null default now()
);
