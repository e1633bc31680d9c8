-- How many dead letters wait, by code.
-- out:   code text, count bigint
-- plan:  dead_letter_open
select code, count(*) as count from dead_letter where replayed_at is null group by code;
