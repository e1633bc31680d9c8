-- Places many orders; those whose id is known, or whose device has another one that is not over, are left out.
-- in:    @ids, @devices, @customers, @kinds, @origins, @phases, @sites text[], @targets, @states jsonb[], @at timestamptz
-- out:   order_id text of those that were placed
-- locks: the new rows until commit
insert into device_order (order_id, device_id, customer, kind, target, origin, phase, state, due_at, created_at, site_id)
select id, device, customer, kind, target, origin, phase, state, @at, @at, site
  from unnest(@ids, @devices, @customers, @kinds, @targets, @origins, @phases, @states, @sites)
    as o (id, device, customer, kind, target, origin, phase, state, site)
 order by device
    on conflict do nothing
returning order_id;
