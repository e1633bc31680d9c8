-- Orders of a run in the order of their devices; of each device the one that begins it first.
-- in:    @id text, @planned timestamptz, @after text, @limit int
-- plan:  a range of schedule_order_run
select device_id, ending, due_at, state, reason, command_id, changed_at
  from schedule_order
 where schedule_id = @id
   and planned_at = @planned
   and device_id > @after
 order by device_id, ending
 limit @limit;
