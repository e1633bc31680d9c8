-- One step of the roll-ups.
-- in:    @closed timestamptz, @keep_from timestamptz, @limit int, @protocols text[], @points text[], @moduli numeric[]
-- out:   device hours taken, int
-- locks: one roll-up at a time
-- plan:  in the function, 0003_roll_ups.sql
select roll_up(@closed, @keep_from, @limit, @protocols, @points, @moduli);
