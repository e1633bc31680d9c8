-- Images, newest first.
-- in:    @product text or null, @before bigint, @limit int
-- out:   as FindImage.sql
-- plan:  reads all of the few rows, without their bytes
select image_id, image_no, product, protocol, version, hardware_min, hardware_max, size_bytes, sha256, signature, key_id, chunk_bytes, image_crc, manifest,
       imported_at
  from firmware_image
 where image_no < @before
   and (@product::text is null or product = @product)
 order by image_no desc
 limit @limit;
