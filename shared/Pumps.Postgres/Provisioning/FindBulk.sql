-- A bulk order with its counts.
-- in:    @id text
-- out:   one row per outcome and phase of its lines; one with nulls when it has none
-- plan:  a range of bulk_line, one probe of device_order per line
select b.created_at, b.received_at, l.outcome, o.phase, count(l.line)::int as lines
  from bulk_order b
  left join bulk_line l on l.bulk_id = b.bulk_id
  left join device_order o on o.order_id = l.order_id
 where b.bulk_id = @id
 group by b.created_at, b.received_at, l.outcome, o.phase;
