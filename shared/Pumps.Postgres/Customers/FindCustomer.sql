-- in:    @id text
-- out:   as ListCustomers.sql
select customer_id, name, created_at from customer where customer_id = @id;
