-- in:    @after text, @limit int
-- out:   customer_id, name text, created_at timestamptz, in the order of the ids
select customer_id, name, created_at from customer where customer_id > @after order by customer_id limit @limit;
