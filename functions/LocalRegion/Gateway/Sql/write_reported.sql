-- in: @id text, @document text, @version integer
update device set reported = @document, reported_version = @version where id = @id;
