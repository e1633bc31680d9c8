-- in:  @id text
-- out: keys blob (primary, then secondary); no row for an unknown device
select keys from device where id = @id;
