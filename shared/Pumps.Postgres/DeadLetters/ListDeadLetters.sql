-- Dead letters, newest first.
-- in:    @code text or null, @before bigint, @limit int
-- plan:  dead_letter_id backwards
select id, device_id, hub, partition, sequence, enqueued_at, code, detail, properties::text as properties, body, stored_at, replayed_at
  from dead_letter
 where id < @before and (@code::text is null or code = @code)
 order by id desc
 limit @limit;
