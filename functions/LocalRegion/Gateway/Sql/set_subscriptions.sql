-- in: @id text, @subscriptions integer
update device set subscriptions = @subscriptions where id = @id;
