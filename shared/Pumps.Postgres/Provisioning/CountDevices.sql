-- Devices of a customer that are not retired, and those that older open orders bring to them: of orders that are admitted at the same time, each
-- counts the ones before it, so that together they cannot exceed the plan.
-- in:    @customer, @order text
select count(*)::int from (
    select device_id from device where customer = @customer and status <> 'retired'
     union
    select o.device_id
      from device_order o
     where o.closed_at is null and o.customer = @customer and o.order_no < (select order_no from device_order where order_id = @order)) d;
