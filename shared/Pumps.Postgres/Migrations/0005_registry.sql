-- Customers, sites, what is known of a device beside its data, who has owned it, and whether it is connected.
-- in:    devices as of 0001
-- out:   customer, site, ownership, device_connection; device with site, tags, status, model and firmware
-- locks: device, for as long as it takes to build its indexes

-- A customer is there from its first mention on, named by its id until somebody names it.
create table customer (
    customer_id text        primary key,
    name        text        not null,
    created_at  timestamptz not null default now()
);
insert into customer (customer_id, name) select distinct customer, customer from device where customer <> '';

-- A place with a clock: schedules run on its civil time.
create table site (
    site_id     text collate "C" primary key,
    customer    text        not null references customer,
    name        text        not null,
    time_zone   text        not null,   -- IANA
    latitude    double precision,
    longitude   double precision,
    created_at  timestamptz not null default now(),
    unique (customer, site_id)
);

alter table device
    add column site_id    text collate "C",
    add column tags       text[] not null default '{}',   -- the customer's own words, no twin tags
    add column status     text   not null default 'active' check (status in ('ordered', 'active', 'suspended', 'retired')),
    add column model      text,                           -- what it calls itself
    add column firmware   text,
    add column retired_at timestamptz,
    -- A device stands at a site of its own customer, or at none.
    add foreign key (customer, site_id) references site (customer, site_id);
create index device_customer on device (customer, device_id);
create index device_site on device (site_id, device_id) where site_id is not null;
create index device_tags on device using gin (tags) where tags <> '{}';

-- Whose a device was, and when. Ended rows never change.
create table ownership (
    device_id   text collate "C" not null,
    customer    text        not null,
    from_at     timestamptz not null,
    to_at       timestamptz,
    primary key (device_id, from_at)
);
create index ownership_customer on ownership (customer, device_id);
insert into ownership (device_id, customer, from_at) select device_id, customer, created_at from device where customer <> '';

-- Several writers change owners (registration, orders, claims); none of them can forget the history.
create function keep_ownership() returns trigger language plpgsql as $$
begin
    update ownership set to_at = now() where device_id = new.device_id and to_at is null;
    if new.customer <> '' then
        insert into ownership (device_id, customer, from_at) values (new.device_id, new.customer, now())
            on conflict (device_id, from_at) do update set customer = excluded.customer, to_at = null;
    end if;
    return null;
end $$;
create trigger device_sold after insert on device
    for each row when (new.customer <> '') execute function keep_ownership();
create trigger device_resold after update of customer on device
    for each row when (old.customer is distinct from new.customer) execute function keep_ownership();

-- A new owner gets a device without the places and words of the one before.
create function greet_owner() returns trigger language plpgsql as $$
begin
    if new.customer <> '' then
        insert into customer (customer_id, name) values (new.customer, new.customer) on conflict do nothing;
    end if;
    if tg_op = 'UPDATE' then
        if new.site_id is not distinct from old.site_id then
            new.site_id := null;
        end if;
        if new.tags = old.tags then
            new.tags := '{}';
        end if;
    end if;
    return new;
end $$;
create trigger device_of_new_customer before insert on device
    for each row when (new.customer <> '') execute function greet_owner();
create trigger device_of_other_customer before update of customer on device
    for each row when (old.customer is distinct from new.customer) execute function greet_owner();

-- The connection as the machine in Pumps.Core/Devices has it. fillfactor: updates stay on their page.
create table device_connection (
    device_id   text collate "C" primary key,
    phase       text        not null check (phase in ('online', 'leaving', 'offline')),
    since       timestamptz not null,
    left_at     timestamptz,
    due_at      timestamptz,
    sequence    text collate "C" not null
) with (fillfactor = 70);
create index device_connection_due on device_connection (due_at) where due_at is not null;
