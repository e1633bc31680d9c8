-- Migrations applied to this database.
-- out:   name text, checksum text; in order
select name, checksum from schema_migration order by name;
