-- Takes transmissions from what a route has left, at most as many as there are. What is left grows with the time, at most to one burst. The time is
-- the newest that any host has named: one whose clock is behind gets what the others leave, and no second is counted twice.
-- in:    @route text, @wanted int, @step int: what it cannot do with less of, and gets whole ones of, @per_second double precision, @burst double precision, @reserve double precision: what this asker leaves to others,
--        @now timestamptz
-- out:   given int
-- locks: the route's row of command_pace until commit. It comes last: whoever holds it waits for nobody.
update command_pace p
   set (budget, filled_at, given) = (
       select f.filled - g.given, greatest(p.filled_at, @now), g.given
         from (select least(@burst, p.budget + @per_second * greatest(0, extract(epoch from @now - p.filled_at)::double precision)) as filled) f
        cross join lateral (select greatest(0, floor(least(@wanted, f.filled - @reserve) / @step) * @step) as given) g)
 where p.route = @route
returning given;
