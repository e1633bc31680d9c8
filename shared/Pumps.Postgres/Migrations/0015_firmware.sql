-- Firmware: images, rollouts, and the transfer of an image to each device.
-- in:    device, site (0005)
-- out:   tables firmware_image, firmware_rollout, firmware_transfer
-- locks: none that matter, the tables are new

-- Signed images. No device in the key: an image is for all of a product, and there are some hundreds.
create table firmware_image (
    image_id     text collate "C" not null primary key,   -- given by whoever imports it
    image_no     bigint           not null generated always as identity,
    product      text             not null,
    protocol     text             not null,
    version      text             not null,   -- as a device says it
    hardware_min integer          not null,
    hardware_max integer          not null,
    size_bytes   integer          not null,
    sha256       bytea            not null,
    signature    bytea            not null,
    key_id       bytea            not null,
    chunk_bytes  integer          not null,
    image_crc    integer          not null,   -- DP1; else 0
    manifest     bytea            not null,   -- DP2: as it was signed; else empty
    content      bytea            not null,
    imported_at  timestamptz      not null
);
-- Firmware is compressed or encrypted already.
alter table firmware_image alter column content set storage external;

-- One row a rollout; the machine's state, and what was asked as it was asked. Some thousands: no index but the keys. No reference to its image, which may
-- be removed when the rollout is over.
create table firmware_rollout (
    rollout_no    bigint           not null generated always as identity primary key,   -- devices know its transfers by it
    rollout_id    text collate "C" not null unique,   -- given by whoever places it
    image_id      text collate "C" not null,
    product       text             not null,          -- of the image, as its version
    firmware      text             not null,
    target        jsonb            not null,
    terms         jsonb            not null,
    maintenance   jsonb,                              -- its window; null: any time
    placed_by     text             not null,
    devices       integer          not null,
    phase         text             not null,
    state         jsonb            not null,
    version       bigint           not null default 0,
    created_at    timestamptz      not null,
    ended_at      timestamptz
);

-- One row a device and rollout; the machine's state. When it is due is in due_at only, since not only its driver says so. version changes when a driver
-- takes it, and with what its driver must not overwrite. No reference to the rollout: both are removed together.
create table firmware_transfer (
    device_id    text collate "C" not null,
    rollout_no   bigint           not null,
    customer     text             not null,   -- whose the device was when the rollout was placed
    wave         integer          not null,
    phase        text             not null,
    state        jsonb            not null,
    due_at       timestamptz,                 -- null: its wave has not begun, or it is over
    queued_until timestamptz,                 -- a driver was asked to take it; after this another one is
    lease_until  timestamptz,                 -- a driver has it
    woken_at     timestamptz,                 -- the device has spoken since a driver has taken it
    version      bigint           not null default 0,
    ended_at     timestamptz,
    primary key (device_id, rollout_no)
);
-- One transfer at a time for a device; also how a message of a device finds it.
create unique index firmware_transfer_open on firmware_transfer (device_id) where ended_at is null;
-- What a paused rollout holds back is not even read when somebody looks for what is due.
create index firmware_transfer_due on firmware_transfer (rollout_no, phase, due_at) where ended_at is null;
create index firmware_transfer_active on firmware_transfer (device_id) where queued_until is not null or lease_until is not null;
-- Lists in the order of the devices, and counts without the table.
create index firmware_transfer_rollout on firmware_transfer (rollout_no, device_id) include (wave, phase);
create index firmware_transfer_ended on firmware_transfer (ended_at) where ended_at is not null;
