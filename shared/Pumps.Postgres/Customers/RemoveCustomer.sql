-- Removes a customer that has nothing.
-- in:    @id text
-- out:   text: 'done', 'absent' or 'in_use'
-- locks: the customer's row
with used as (
    select exists (select from device where customer = @id) or exists (select from site where customer = @id) as is_so
), gone as (
    delete from customer using used where customer_id = @id and not used.is_so returning 1
)
select case when exists (select from gone) then 'done'
            when exists (select from customer where customer_id = @id) then 'in_use'
            else 'absent' end;
