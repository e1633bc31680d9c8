-- in: @id text, @enabled integer
update device set enabled = @enabled where id = @id;
