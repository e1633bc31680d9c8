-- Makes the role that owns the schema, and what only an administrator may make.
-- in:    nothing; runs as an administrator of the server, in the region's database
-- out:   nothing
-- locks: none that a running app would notice; safe to repeat
do $$
begin
    if not exists (select from pg_roles where rolname = 'pumps_owner') then
        create role pumps_owner nologin;
    end if;

    -- The administrator takes the owner's place to migrate, so that everything belongs to one role whoever deploys.
    if not pg_has_role(current_user, 'pumps_owner', 'member') then
        execute format('grant pumps_owner to %I', current_user);
    end if;
    grant usage, create on schema public to pumps_owner;
    execute format('grant create, temporary on database %I to pumps_owner', current_database());

    -- A setting that the loaded library defines: whatever is in shared_preload_libraries not every administrator may read.
    if current_setting('timescaledb.disable_load', true) is not null then
        create extension if not exists timescaledb;
    end if;
end
$$
