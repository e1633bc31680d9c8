-- Connections that are not offline, in the order of their ids, held until commit.
-- in:    @after text, @limit int
-- out:   as HoldConnections.sql
-- locks: the connections' rows, in the order of the ids
with held as (
    select device_id, phase, since, left_at, due_at, sequence
      from device_connection
     where device_id > @after and phase <> 'offline'
     order by device_id
     limit @limit
       for update
)
select h.device_id, coalesce(d.product, '') as product, h.phase, h.since, h.left_at, h.due_at, h.sequence
  from held h
  left join device d on d.device_id = h.device_id
 order by h.device_id;
