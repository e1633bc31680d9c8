-- Firmware transfers by phase: all open ones, and of the ended ones those that ended since a time.
-- in:    @since timestamptz
-- out:   phase text, transfers bigint
-- plan:  firmware_transfer_due as a whole, and a range of firmware_transfer_ended
select phase, count(*) as transfers from firmware_transfer where ended_at is null group by phase
union all
select phase, count(*) from firmware_transfer where ended_at > @since group by phase;
