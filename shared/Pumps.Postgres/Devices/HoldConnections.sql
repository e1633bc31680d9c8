-- Connections of devices, held until commit.
-- in:    @ids text[]
-- out:   device_id, product text, phase text?, since, left_at, due_at timestamptz?, sequence text?; no row for an unknown device
-- locks: the connections' rows, in the order of the ids
with held as (
    select device_id, phase, since, left_at, due_at, sequence
      from device_connection
     where device_id = any(@ids)
     order by device_id
       for update
)
select d.device_id, d.product, h.phase, h.since, h.left_at, h.due_at, h.sequence
  from device d
  left join held h on h.device_id = d.device_id
 where d.device_id = any(@ids);
