-- Whether a schedule, removed or not, is of an owner before: its device works for somebody else now.
-- in:    @id text
-- out:   boolean
-- plan:  two probes
select exists (
    select from schedule s
     where s.schedule_id = @id
       and s.device_id is not null
       and not exists (select from device d where d.device_id = s.device_id and d.customer = s.customer));
