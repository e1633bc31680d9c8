-- Takes orders that are due, for one driver alone until its lease ends.
-- in:    @now, @until timestamptz, @limit int
-- out:   as PlaceOrder.sql
-- locks: the rows it takes until commit; those that another driver is taking are skipped
-- plan:  a range of device_order_due
with due as (
    select order_id
      from device_order
     where due_at <= @now
       and (lease_until is null or lease_until <= @now)
     order by due_at
     limit @limit
       for update skip locked
)
update device_order o
   set lease_until = @until
  from due
 where o.order_id = due.order_id
returning o.order_id, o.order_no, o.device_id, o.target::text as target, o.origin, o.state::text as state, o.version, o.hello::text as hello, o.confirmed,
          o.cancelled, o.created_at, o.closed_at, o.site_id;
