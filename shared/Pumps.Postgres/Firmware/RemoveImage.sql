-- Removes an image, unless a rollout that is not over sends it. After LockImage.sql, as a statement of its own: it must see what was placed before.
-- in:    @id text
-- out:   number of rows
delete from firmware_image
 where image_id = @id
   and not exists (select from firmware_rollout where image_id = @id and ended_at is null);
