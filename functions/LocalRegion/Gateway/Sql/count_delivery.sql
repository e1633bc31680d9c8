-- in: @sequence integer
update cloud_message set deliveries = deliveries + 1 where sequence = @sequence;
