-- Devices, newest values, history, roll-ups and dead letters.
-- in:    an empty database, PostgreSQL 15 or later
-- out:   the tables below; history is a hypertable where the server runs TimescaleDB, else partitioned by day
-- locks: none that matter, the tables are new
-- mends: 4771e734c7f2de040e802751eb85870d3bbd2c29fcfb6decd388c9ac560bee96
--        which asked for the server's libraries, as only an administrator may, and so failed for an owner who is none
--
-- Device keys are internal; text ids stay at the edges (half the index). Tables of a region that outgrows one server are distributed
-- by device_key (Citus), with device as a reference table: every other primary key starts with it or with the device's id.
-- Foreign keys to device are missing on purpose: they cost a look-up per row of ingest, keys come from the device table only, and
-- devices are never deleted, only retired.

create table device (
    device_key  bigint generated always as identity primary key,
    device_id   text collate "C" not null unique,
    protocol    text        not null,
    offering    text        not null,
    -- Empty until provisioning has told: a device may speak before that.
    product     text        not null default '',
    customer    text        not null default '',
    created_at  timestamptz not null default now()
);
-- When a device was last seen is in latest: it changes with every message, and the row above does not.

-- One row a device. points: {name: [value, t] or [value or null, t, quality]}, t = observed at, ms since 1970 UTC.
-- fillfactor: every update finds room on its page and stays out of the index (HOT); no index on anything that changes.
create table latest (
    device_key  bigint      not null primary key,
    max_at      timestamptz not null,   -- the newest observation merged ...
    max_seq     bigint      not null,   -- ... and its sequence number, which decides between equal times
    from_at     timestamptz not null,   -- the oldest observation of the last merge; what MergeLatest.sql decides its fast path by
    seen_at     timestamptz not null,   -- received at, newest
    points      jsonb       not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, toast_tuple_target = 8160);

-- Points of fresh that are newer than those of old replace them; others stay. Equal times: the higher sequence number wins, known for
-- the row's newest observation only; before that the stored value stays. Safe to repeat.
create function merge_latest(old jsonb, old_max_at timestamptz, old_max_seq bigint, fresh jsonb, fresh_seq bigint) returns jsonb
    language sql immutable parallel safe
    return old || coalesce((
        select jsonb_object_agg(f.key, f.value)
          from jsonb_each(fresh) f
         cross join lateral (select (f.value ->> 1)::bigint as at, (old -> f.key ->> 1)::bigint as old_at) t
         where t.old_at is null
            or t.at > t.old_at
            or (t.at = t.old_at and fresh_seq > old_max_seq and t.at = floor(extract(epoch from old_max_at) * 1000)::bigint)),
        '{}');

-- One record an observation: points and quality as on the feed. Nothing else is indexed: a second index costs a fifth of ingest.
-- clock is null for 'ok'.
do $$
begin
    -- A setting that the loaded library defines: whatever is in shared_preload_libraries only an administrator may read.
    if current_setting('timescaledb.disable_load', true) is not null then
        create extension if not exists timescaledb;
        create table history (
            device_key  bigint      not null,
            observed_at timestamptz not null,
            seq         bigint      not null,
            received_at timestamptz not null,
            historical  boolean     not null,
            clock       text,
            points      jsonb       not null,
            quality     jsonb,
            primary key (device_key, observed_at, seq)
        );
        perform create_hypertable('history', by_range('observed_at', interval '1 day'), create_default_indexes => false);
    else
        create table history (
            device_key  bigint      not null,
            observed_at timestamptz not null,
            seq         bigint      not null,
            received_at timestamptz not null,
            historical  boolean     not null,
            clock       text,
            points      jsonb       not null,
            quality     jsonb,
            primary key (device_key, observed_at, seq)
        ) partition by range (observed_at);
        -- Late data, and clocks that lie: they must not stop ingest. Rows move to their day's partition when that is made.
        create table history_default partition of history default;
    end if;
end $$;

-- Hours (days) of one datapoint; the end of a bucket belongs to the next one, UTC.
-- min, max, sum: null for points that are not numbers. increase: counters only, safe over their wrap.
create table rollup_hour (
    device_key  bigint      not null,
    point       text        not null,
    hour        timestamptz not null,
    count       bigint      not null,
    min         numeric,
    max         numeric,
    sum         numeric,
    increase    numeric,
    last        jsonb       not null,
    last_at     timestamptz not null,
    primary key (device_key, point, hour)
) partition by range (hour);
create table rollup_hour_default partition of rollup_hour default;

create table rollup_day (
    device_key  bigint      not null,
    point       text        not null,
    day         timestamptz not null,
    count       bigint      not null,
    min         numeric,
    max         numeric,
    sum         numeric,
    increase    numeric,
    last        jsonb       not null,
    last_at     timestamptz not null,
    primary key (device_key, point, day)
) partition by range (day);
create table rollup_day_default partition of rollup_day default;

-- Hours of devices whose roll-up is due. Append-only: two marks for one hour are right, one mark too few is lost data.
-- No primary key on purpose: a mark that meets another one must not wait for it.
create table rollup_mark (
    device_key  bigint      not null,
    hour        timestamptz not null
);
create index rollup_mark_hour on rollup_mark (hour);
create index rollup_mark_device on rollup_mark (device_key);

-- Messages that could not be handled, with their bytes.
create table dead_letter (
    id          bigint generated always as identity,
    device_id   text        not null,
    hub         text        not null,
    partition   text        not null,
    sequence    bigint      not null,
    enqueued_at timestamptz not null,
    code        text        not null,
    detail      text        not null,
    properties  jsonb       not null,   -- [[name, value], ...]: order and repeats are kept
    body        bytea       not null,
    stored_at   timestamptz not null default now(),
    replayed_at timestamptz,
    primary key (device_id, hub, partition, sequence)
);
create index dead_letter_id on dead_letter (id);
create index dead_letter_open on dead_letter (code) where replayed_at is null;
