-- Runs of a schedule, newest first, with what became of their orders that begin them.
-- in:    @id text, @before timestamptz, @limit int
-- plan:  a range of the primary key, a range of schedule_order_run per run
select r.planned_at, r.planned_time, r.verdict, r.settled_at, n.due, n.submitted, n.skipped, n.refused, n.missed
  from schedule_run r
 cross join lateral (
       select count(*) filter (where o.state = 'due')::int as due, count(*) filter (where o.state = 'submitted')::int as submitted,
              count(*) filter (where o.state = 'skipped')::int as skipped, count(*) filter (where o.state = 'refused')::int as refused,
              count(*) filter (where o.state = 'missed')::int as missed
         from schedule_order o
        where o.schedule_id = r.schedule_id and o.planned_at = r.planned_at and not o.ending) n
 where r.schedule_id = @id
   and r.planned_at < @before
 order by r.planned_at desc
 limit @limit;
