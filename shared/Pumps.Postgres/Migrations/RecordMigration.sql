-- Records a migration as applied, in the transaction that applies it.
-- in:    @name text, @checksum text
insert into schema_migration (name, checksum) values (@name, @checksum);
