-- Whose a device was, newest first.
-- in:    @id text
-- out:   customer text, from_at timestamptz, to_at timestamptz?
-- plan:  a range of the primary key
select customer, from_at, to_at from ownership where device_id = @id order by from_at desc;
