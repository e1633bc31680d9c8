-- One dead letter.
-- in:    @id bigint
-- plan:  dead_letter_id
select id, device_id, hub, partition, sequence, enqueued_at, code, detail, properties::text as properties, body, stored_at, replayed_at
  from dead_letter
 where id = @id;
