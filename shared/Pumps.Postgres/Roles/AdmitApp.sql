-- Lets an app's identity work as the owner of the schema: apps make and drop partitions.
-- in:    @name text, the identity's name
-- out:   nothing; runs in any database of the server, safe to repeat
-- locks: none
select set_config('pumps.admitted', @name, true);

do $$
declare
    app text := current_setting('pumps.admitted');
begin
    if not exists (select from pg_roles where rolname = app) then
        -- Azure's way to make a role that signs in with a token of Entra ID. It exists in the database postgres only.
        perform pgaadauth_create_principal(app, false, false);
    end if;
    if not pg_has_role(app, 'pumps_owner', 'member') then
        execute format('grant pumps_owner to %I', app);
    end if;
end
$$
