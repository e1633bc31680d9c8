-- Removes a site where no device stands.
-- in:    @id text
-- out:   text: 'done', 'absent' or 'in_use'
-- locks: the site's row
with gone as (
    delete from site where site_id = @id and not exists (select from device where site_id = @id) returning 1
)
select case when exists (select from gone) then 'done'
            when exists (select from site where site_id = @id) then 'in_use'
            else 'absent' end;
