-- Remembers that a key of a device was replaced. Safe to repeat.
-- in: @id text
insert into replaced_key (device_id) values (@id) on conflict do nothing;
