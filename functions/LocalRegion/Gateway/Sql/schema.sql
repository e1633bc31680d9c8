-- The registry's file: identities, twins, and the cloud-to-device queues. Applied at every start.
-- Written by one connection only; durable when a call returns (WAL, synchronous FULL).
create table if not exists device (
    id               text primary key,
    protocol         text not null,
    offering         text not null,
    product          text not null,
    customer         text not null,
    region           text not null,
    utc_offset       integer,
    keys             blob not null,               -- primary, then secondary: 32 bytes each
    enabled          integer not null default 1,
    subscriptions    integer not null default 0,  -- of a device that connects without clean session
    desired          text not null default '{}',
    desired_version  integer not null default 1,
    reported         text not null default '{}',
    reported_version integer not null default 1
);

-- Devices of which a key was replaced after they had got their first ones.
create table if not exists replaced_key (
    device_id        text primary key references device (id) on delete cascade
) without rowid;

create table if not exists cloud_message (
    sequence         integer primary key autoincrement,
    device_id        text not null references device (id) on delete cascade,
    message_id       text not null,
    correlation_id   text,
    user_id          text,
    content_type     text,
    content_encoding text,
    properties       text not null,               -- JSON: an array of [name, value]
    body             blob not null,
    ack              integer not null,
    expires_at       integer not null,            -- ms since 1970
    deliveries       integer not null default 0
);
create index if not exists cloud_message_by_device on cloud_message (device_id, sequence);
create index if not exists cloud_message_by_expiry on cloud_message (expires_at);

-- Outcomes that the sender asked for and has not been told yet.
create table if not exists feedback (
    sequence         integer primary key autoincrement,
    device_id        text not null,
    message_id       text not null,
    outcome          integer not null,
    at               integer not null             -- ms since 1970
);
