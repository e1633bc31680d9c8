-- Connections whose grace is over, held until commit. Another process may hold some: it changes those.
-- in:    @now timestamptz, @limit int
-- out:   as HoldConnections.sql
-- locks: the connections' rows
-- plan:  a range of device_connection_due
with held as (
    select device_id, phase, since, left_at, due_at, sequence
      from device_connection
     where due_at <= @now
     order by due_at
     limit @limit
       for update skip locked
)
select h.device_id, coalesce(d.product, '') as product, h.phase, h.since, h.left_at, h.due_at, h.sequence
  from held h
  left join device d on d.device_id = h.device_id;
