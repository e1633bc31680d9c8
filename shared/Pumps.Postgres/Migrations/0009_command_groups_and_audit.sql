-- Groups of commands with what they were for, and the audit of what is no command (yet, or any more).
-- in:    command (0007)
-- out:   tables command_group, command_audit
-- locks: none that matter, the tables are new

-- One command for many devices, as it was given. Its lines are its rows of command, and of command_audit for those refused.
create table command_group (
    group_id     text collate "C" not null primary key,
    command      text             not null,
    arguments    json             not null,   -- as it was given: jsonb refuses some of what people send
    target       jsonb            not null,   -- site, tag, customer, or devices
    requested_by text             not null,
    origin       text             not null,
    devices      integer          not null,
    queued       integer          not null,
    created_at   timestamptz      not null
);
create index command_group_created on command_group (created_at);

-- Submissions that were refused, and commands whose own row has been removed for its age. Kept longer than commands.
create table command_audit (
    device_id    text collate "C" not null,
    at           timestamptz      not null,   -- when it was given
    number       bigint           not null generated always as identity,
    customer     text             not null,   -- empty for a device that was not there
    command_id   text collate "C" not null,
    command      text             not null,
    arguments    json             not null,
    requested_by text             not null,
    origin       text             not null,
    group_id     text collate "C",
    result       text             not null,   -- not_taken, or the phase in which the command ended
    reason       text,
    faults       json,                        -- of a refused submission: rule, parameter, given, allowed
    primary key (device_id, at, number)
);
create index command_audit_at on command_audit (at);
create index command_audit_grouped on command_audit (group_id, device_id) where group_id is not null and result = 'not_taken';
