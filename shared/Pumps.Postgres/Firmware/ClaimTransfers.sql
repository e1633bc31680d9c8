-- Finds transfers that are due and neither queued nor in a driver's hands, and marks them as queued: those that a pause does not hold back, since their
-- devices are starting an image; and of the others first those that have begun, then the oldest. After LockClaim.sql, as a statement of its own: it must see what others have queued.
-- in:    @phases text[]: those that are not over, @held text[]: those of them that a pause holds back, @now, @until timestamptz,
--        @active int: at most so many of the held ones, with all that are queued or in hands
-- out:   device_id text
-- locks: the rows it marks until commit; those that somebody else is at are left for the next time
-- plan:  firmware_transfer_active as a whole; per rollout that is not over and phase the beginning of a range of firmware_transfer_due; one probe of the
--        primary key per row
with room as (
    select greatest(0, @active - count(*)) as n
      from firmware_transfer
     where (queued_until is not null or lease_until is not null)
       and (queued_until > @now or lease_until > @now)
), found as (
    select t.device_id, t.rollout_no, t.due_at, p.phase = any(@held) as can_wait, p.phase = 'waiting' as is_new
      from firmware_rollout r
     cross join unnest(@phases) as p (phase)
     cross join lateral (
           select o.device_id, o.rollout_no, o.due_at
             from firmware_transfer o
            where o.rollout_no = r.rollout_no
              and o.phase = p.phase
              and o.ended_at is null
              and o.due_at <= @now
              and (o.queued_until is null or o.queued_until <= @now)
              and (o.lease_until is null or o.lease_until <= @now)
            order by o.due_at
            limit @active) t
     where r.ended_at is null
       and (r.phase <> 'paused' or p.phase <> all(@held))
), due as (
    select device_id, rollout_no from found where not can_wait
     union all
    (select device_id, rollout_no from found where can_wait order by is_new, due_at limit (select n from room))
), mine as (
    select t.device_id, t.rollout_no
      from due
      join firmware_transfer t using (device_id, rollout_no)
     where t.due_at <= @now
       and (t.lease_until is null or t.lease_until <= @now)
       for update of t skip locked
), queued as (
    update firmware_transfer t
       set queued_until = @until
      from mine
     where t.device_id = mine.device_id
       and t.rollout_no = mine.rollout_no
 returning t.device_id, t.due_at
)
select device_id from queued order by due_at, device_id;
