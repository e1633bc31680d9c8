-- Keeps the hashes of new codes in the place of those before.
-- in:    @devices text[] without repeats, @salts, @hashes bytea[], @at timestamptz
-- locks: the rows, in the order of the devices
insert into claim_code (device_id, issue, salt, hash, issued_at)
select device, 1, salt, hash, @at
  from unnest(@devices, @salts, @hashes) as c (device, salt, hash)
 order by device
    on conflict (device_id) do update
   set issue = claim_code.issue + 1, salt = excluded.salt, hash = excluded.hash, issued_at = excluded.issued_at;
