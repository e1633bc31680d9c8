-- The bytes of an image.
-- in:    @id text
-- plan:  one probe
select content from firmware_image where image_id = @id;
