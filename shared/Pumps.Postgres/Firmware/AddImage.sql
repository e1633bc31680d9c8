-- Keeps an image; nothing when its id is there already.
-- in:    @id, @product, @protocol, @version text, @hardware_min, @hardware_max, @size int, @sha256, @signature, @key_id bytea, @chunk_bytes, @image_crc int,
--        @manifest, @content bytea, @now timestamptz
-- locks: whoever adds the same id waits until commit
insert into firmware_image (
       image_id, product, protocol, version, hardware_min, hardware_max, size_bytes, sha256, signature, key_id, chunk_bytes, image_crc, manifest, content,
       imported_at)
values (@id, @product, @protocol, @version, @hardware_min, @hardware_max, @size, @sha256, @signature, @key_id, @chunk_bytes, @image_crc, @manifest, @content, @now)
    on conflict do nothing;
