-- One image, without its bytes.
-- in:    @id text
-- plan:  one probe
select image_id, image_no, product, protocol, version, hardware_min, hardware_max, size_bytes, sha256, signature, key_id, chunk_bytes, image_crc, manifest,
       imported_at
  from firmware_image
 where image_id = @id;
