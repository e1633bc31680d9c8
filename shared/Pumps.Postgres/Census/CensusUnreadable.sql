-- Devices with dead letters of late, by product, firmware and reason; most devices first.
-- in:    @since timestamptz, @letters bigint: at most so many of the newest letters are read, @limit int
-- out:   product text, firmware text, code text, devices bigint; 'unknown' where nobody has told
-- plan:  a range of dead_letter_id, one probe of device_id per device
with recent as (
    select distinct device_id, code
      from dead_letter
     where id > (select coalesce(max(id), 0) from dead_letter) - @letters
       and stored_at > @since
)
select coalesce(nullif(d.product, ''), 'unknown') as product, coalesce(nullif(d.firmware, ''), 'unknown') as firmware, r.code, count(*) as devices
  from recent r
  left join device d on d.device_id = r.device_id
 group by 1, 2, 3
 order by devices desc, 1, 2, 3
 limit @limit;
