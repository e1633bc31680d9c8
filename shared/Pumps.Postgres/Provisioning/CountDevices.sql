-- Devices of a customer that are not retired.
-- in:    @customer text
select count(*)::int from device where customer = @customer and status <> 'retired';
