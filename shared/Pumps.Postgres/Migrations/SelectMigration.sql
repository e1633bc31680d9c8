-- Whether a migration was applied to this database.
-- in:    @name text
-- out:   checksum text; no row when it was not
select checksum from schema_migration where name = @name;
