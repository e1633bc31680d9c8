-- Keeps the hash of a new code in the place of the one before.
-- in:    @device text, @salt, @hash bytea, @at timestamptz
-- locks: the row
insert into claim_code (device_id, issue, salt, hash, issued_at) values (@device, 1, @salt, @hash, @at)
    on conflict (device_id) do update
   set issue = claim_code.issue + 1, salt = excluded.salt, hash = excluded.hash, issued_at = excluded.issued_at;
