-- in:  @id text, @enabled integer
-- out: enabled integer; no row for an unknown device
update device set enabled = @enabled where id = @id returning enabled;
