-- Requests that were refused before they came to a device; and ownership that begins when a device begins to work for its owner.
-- in:    device with status, ownership with its triggers (0005)
-- out:   table request_audit; keep_ownership() and its triggers in their new form
-- locks: device, for a moment
-- contracts: the triggers device_sold and device_resold; the version before works with the new ones as well

-- Who asked what, when, from where, and why it was not taken. Only known callers get in. The key needs no device, since there may be none.
create table request_audit (
    number       bigint           not null generated always as identity primary key,
    at           timestamptz      not null,
    customer     text             not null,   -- of a target that names one; else empty
    requested_by text             not null,
    origin       text             not null,
    action       text             not null,   -- method and pattern of the route; never a query, a header or a body
    target       text             not null,   -- what the path names, or what a group was for
    command      text             not null,   -- empty where none was asked for
    rule         text             not null,
    detail       text             not null
);
create index request_audit_at on request_audit (at);

-- Whose a device was, and when: from the first moment it worked for somebody. A device that is merely ordered works for whom it worked before, so an
-- order that comes to nothing leaves no trace here, and ended rows never change.
create or replace function keep_ownership() returns trigger language plpgsql as $$
begin
    if exists (select from ownership where device_id = new.device_id and to_at is null and customer = new.customer) then
        return null;
    end if;
    update ownership set to_at = now() where device_id = new.device_id and to_at is null;
    if new.customer <> '' then
        -- Two owners within one transaction: the first of them never had it.
        insert into ownership (device_id, customer, from_at) values (new.device_id, new.customer, now())
            on conflict (device_id, from_at) do update set customer = excluded.customer, to_at = null;
    end if;
    return null;
end $$;
drop trigger device_sold on device;
drop trigger device_resold on device;
create trigger device_sold after insert on device
    for each row when (new.customer <> '' and new.status <> 'ordered') execute function keep_ownership();
create trigger device_resold after update on device
    for each row when (new.status <> 'ordered' and (old.customer is distinct from new.customer or old.status = 'ordered')) execute function keep_ownership();
