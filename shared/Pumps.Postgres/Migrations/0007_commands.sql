-- Commands to devices: the queue, the audit, and the numbers of what is sent down.
-- in:    device (0001)
-- out:   tables command_device, command
-- locks: none that matter, the tables are new

-- One row a device that was ever commanded. Its lock is the device's turn: submitting, sending and answers of one device wait for each other.
create table command_device (
    device_id     text collate "C" not null primary key,
    last_ordinal  bigint           not null,   -- order of its commands; DP1 tokens are made of it, so it starts at random
    last_downlink bigint           not null    -- sequence number of the last frame sent down to it
);

-- A command is the audit of itself: who, when, from where, what became of it. Rows are never deleted with their device.
create table command (
    device_id       text collate "C" not null,
    ordinal         bigint           not null,
    command_id      text collate "C" not null,   -- given by whoever submits it; unique per device
    customer        text             not null,
    product         text             not null,
    protocol        text             not null,
    command         text             not null,
    arguments       jsonb            not null,
    requested_by    text             not null,
    origin          text             not null,   -- from where: api, schedule, ...
    confirmed       boolean          not null,
    group_id        text collate "C",            -- of a command that was given to many devices at once
    correlation     text             not null,   -- what the device's answer carries: DP1 token, DP2 correlation in hex
    created_at      timestamptz      not null,
    expires_at      timestamptz      not null,
    repeatable      boolean          not null,
    phase           text             not null,
    attempt         integer          not null,
    doubts          integer          not null,
    route           text             not null,
    may_be_held     boolean          not null default false,   -- the hub's queue may hold a copy
    -- When the driver must look at it; null when there is nothing to wait for. A command behind another one waits for its expiry only.
    due_at          timestamptz,
    sent_at         timestamptz,
    acknowledged_at timestamptz,
    ended_at        timestamptz,
    cancelled_by    text,
    reason          text,
    answer          jsonb,
    late            boolean          not null default false,
    primary key (device_id, ordinal)
);
create unique index command_id on command (device_id, command_id);
-- One in flight per device, whatever the code does.
create unique index command_in_flight on command (device_id) where phase in ('sent', 'acknowledged');
create index command_due on command (due_at) where due_at is not null;
create index command_open on command (device_id, ordinal) where ended_at is null;
create index command_created on command (created_at, device_id, ordinal);
create index command_grouped on command (group_id, device_id) where group_id is not null;
