-- Receipts in the order of the file.
-- in:    @id text, @outcome text or null, @after, @limit int
-- plan:  a range of bulk_line, one probe of device_order per line
select l.line, l.device_id, l.order_id, l.outcome, l.reason, l.detail, o.phase
  from bulk_line l
  left join device_order o on o.order_id = l.order_id
 where l.bulk_id = @id and l.line > @after and (@outcome::text is null or l.outcome = @outcome)
 order by l.line
 limit @limit;
