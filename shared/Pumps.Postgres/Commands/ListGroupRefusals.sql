-- Devices that did not get the command of a group, in the order of their ids.
-- in:    @group text, @after text, @limit int
-- out:   device_id, faults text (JSON)
-- plan:  a range of command_audit_grouped
select device_id, faults::text as faults
  from command_audit
 where group_id = @group and result = 'not_taken' and device_id > @after
 order by device_id
 limit @limit;
