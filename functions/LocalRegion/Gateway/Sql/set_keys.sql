-- in: @id text, @keys blob (primary, then secondary)
update device set keys = @keys where id = @id;
