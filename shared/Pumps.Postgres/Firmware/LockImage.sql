-- Takes an image that is to be removed.
-- in:    @id text
-- out:   image_id text; no row when it is not there
-- locks: the image until commit: who places a rollout of it waits, and finds it gone
select image_id from firmware_image where image_id = @id for update;
