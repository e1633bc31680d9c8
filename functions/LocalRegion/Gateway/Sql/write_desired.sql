-- in: @id text, @document text, @version integer
update device set desired = @document, desired_version = @version where id = @id;
