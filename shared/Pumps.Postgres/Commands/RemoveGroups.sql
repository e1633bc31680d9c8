-- Removes groups that are old, oldest first. Their commands and refusals stay as long as any.
-- in:    @before timestamptz, @limit int
-- out:   number of rows
-- plan:  a range of command_group_created
delete from command_group
 where group_id in (select group_id from command_group where created_at < @before order by created_at limit @limit for update skip locked);
