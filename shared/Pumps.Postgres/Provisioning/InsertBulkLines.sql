-- Keeps receipts.
-- in:    @id text, @lines int[], @devices, @customers, @orders, @outcomes, @reasons, @details text[]
insert into bulk_line (bulk_id, line, device_id, customer, order_id, outcome, reason, detail)
select @id, line, device, customer, order_id, outcome, reason, detail
  from unnest(@lines, @devices, @customers, @orders, @outcomes, @reasons, @details)
    as l (line, device, customer, order_id, outcome, reason, detail)
    on conflict (bulk_id, line) do nothing;
