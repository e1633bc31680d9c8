-- Safe to repeat: the newest name wins.
-- in:    @id, @name text
-- out:   as ListCustomers.sql
-- locks: the customer's row
insert into customer (customer_id, name) values (@id, @name)
    on conflict (customer_id) do update set name = excluded.name
returning customer_id, name, created_at;
