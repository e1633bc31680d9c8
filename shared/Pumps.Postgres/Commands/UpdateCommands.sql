-- Stores where commands stand. The turns of their devices were taken.
-- in:    @devices text[], @ordinals bigint[], @phases text[], @attempts int[], @doubts int[], @routes text[], @held boolean[], @due timestamptz[],
--        @sent timestamptz[], @acknowledged timestamptz[], @ended timestamptz[], @cancelled_by text[], @reasons text[], @answers jsonb[], @late boolean[]
-- plan:  one probe of the primary key per row
update command c
   set phase = n.phase, attempt = n.attempt, doubts = n.doubts, route = n.route, may_be_held = n.may_be_held, due_at = n.due_at, sent_at = n.sent_at,
       acknowledged_at = n.acknowledged_at, ended_at = n.ended_at, cancelled_by = n.cancelled_by, reason = n.reason, answer = n.answer, late = n.late
  from unnest(@devices, @ordinals, @phases, @attempts, @doubts, @routes, @held, @due, @sent, @acknowledged, @ended, @cancelled_by, @reasons,
              @answers, @late)
       as n(device_id, ordinal, phase, attempt, doubts, route, may_be_held, due_at, sent_at, acknowledged_at, ended_at, cancelled_by, reason,
            answer, late)
 where c.device_id = n.device_id
   and c.ordinal = n.ordinal;
