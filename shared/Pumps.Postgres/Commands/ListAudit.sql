-- What was asked of a device, newest first: its commands, those that were removed for their age, and what was refused.
-- in:    @device text, @customer text or null: of all that ever had it, @before timestamptz, @before_number bigint, @limit int
-- plan:  the device's commands by the primary key, sorted; command_audit's primary key backwards
select a.*
  from (
    (select created_at as at, ordinal as number, command_id, command, arguments::text as arguments, requested_by, origin, group_id, phase as result, reason,
            null as faults
       from command
      where device_id = @device and (created_at, ordinal) < (@before, @before_number) and (@customer::text is null or customer = @customer)
      order by created_at desc, ordinal desc
      limit @limit)
    union all
    (select at, number, command_id, command, arguments::text, requested_by, origin, group_id, result, reason, faults::text
       from command_audit
      where device_id = @device and (at, number) < (@before, @before_number) and (@customer::text is null or customer = @customer)
      order by at desc, number desc
      limit @limit)
  ) a
 order by a.at desc, a.number desc
 limit @limit;
