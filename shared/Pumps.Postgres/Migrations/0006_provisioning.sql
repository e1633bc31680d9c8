-- Orders of devices, bulk orders with their receipts, claim codes.
-- in:    device with status and retired_at, ownership
-- out:   device_order, bulk_order, bulk_line, claim_code, claim_throttle
-- locks: none that matter, the tables are new

-- One row an order; the machine's state and its inbox. The row is the outbox of its effect, too: a state is kept before its effect is carried
-- out, and due_at brings a driver to it.
-- The key is the order's id, not the device: whoever orders gives it, and it must be known once in the region. Tens of millions of rows are years of orders.
create table device_order (
    order_id    text collate "C" primary key,
    order_no    bigint generated always as identity,
    device_id   text collate "C" not null,
    customer    text        not null,       -- the target's; empty where the kind of order has none
    kind        text        not null,
    target      jsonb,
    origin      text        not null,
    phase       text        not null,
    state       jsonb       not null,
    version     bigint      not null default 0,
    due_at      timestamptz,                -- null: over
    lease_until timestamptz,
    hello       jsonb,
    confirmed   boolean     not null default false,
    cancelled   boolean     not null default false,
    created_at  timestamptz not null,
    closed_at   timestamptz
);
-- One order at a time for a device; also how a hello finds its order.
create unique index device_order_open on device_order (device_id) where closed_at is null;
create index device_order_due on device_order (due_at) where due_at is not null;
create index device_order_device on device_order (device_id, order_no);
create index device_order_no on device_order (order_no);

create table bulk_order (
    bulk_id     text collate "C" primary key,
    created_at  timestamptz not null,
    received_at timestamptz                 -- null: the file has not come to its end
);

create table bulk_line (
    bulk_id     text collate "C" not null,
    line        int         not null,
    device_id   text        not null,       -- as it stands in the file
    customer    text        not null,       -- empty for a refused line
    order_id    text collate "C",
    outcome     text        not null,
    reason      text,
    detail      text,
    primary key (bulk_id, line)
);
create index bulk_line_device on bulk_line (bulk_id, device_id);

-- The hash of the code on a device's label: PBKDF2 over the code and the region's secret. The code itself is nowhere.
create table claim_code (
    device_id   text collate "C" primary key,
    issue       int         not null,
    salt        bytea       not null,
    hash        bytea       not null,
    issued_at   timestamptz not null
);

-- Wrong codes, by device:<id> and customer:<id>.
create table claim_throttle (
    subject      text collate "C" primary key,
    failures     int         not null,
    last_at      timestamptz not null,
    locked_until timestamptz
);
