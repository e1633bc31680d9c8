using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using Pumps.Core.Commands;
using Pumps.Core.Firmware;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>How many devices and commands there are, in which state, as metrics tell it.</summary>
[NonParallelizable]
public sealed class CensusTests : PostgresFixture
{
    private const string Product = "irrigation-pump-v2";

    // Three of the product's intervals of a minute, and a little.
    private static readonly DateTimeOffset LongAgo = Noon.AddMinutes(-20);

    private readonly Dictionary<string, long> _told = [];
    private MeterListener _listener = null!;
    private TakeCensus _census = null!;

    [SetUp]
    public async Task Start()
    {
        _told.Clear();
        _listener = new() { InstrumentPublished = (instrument, it) => it.EnableMeasurementEvents(instrument) };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (instrument.Name.StartsWith("pumps.devices.", StringComparison.Ordinal) || instrument.Name == "pumps.commands"
                || instrument.Name.StartsWith("pumps.firmware.", StringComparison.Ordinal))
                _told[string.Join(' ', [instrument.Name, .. tags.ToArray().Select(t => t.Value)])] = value;
        });
        _listener.Start();
        _census = new(CatalogLoader.Load(CatalogLoader.DefaultFolder), new CensusTables(Database), new FakeTimeProvider(Noon));
        await ExecuteAsync("delete from device; delete from device_connection; delete from latest; delete from dead_letter; delete from command; delete from firmware_transfer; delete from firmware_rollout");
    }

    [TearDown]
    public void StopListening() => _listener.Dispose();

    [Test]
    public async Task Devices_in_service_are_counted_with_those_that_are_connected_and_those_that_have_fallen_silent()
    {
        await DeviceAsync("dp2-01", "online", Noon.AddSeconds(-10));
        await DeviceAsync("dp2-02", "leaving", LongAgo);
        await DeviceAsync("dp2-03", "offline", LongAgo);
        await DeviceAsync("dp2-04", null, null);
        await DeviceAsync("dp2-05", "online", Noon.AddSeconds(-10), product: "");
        await DeviceAsync("dp2-06", "online", LongAgo, status: "retired");

        await _census.HandleAsync(Cancel);

        Assert.Multiple(() =>
        {
            Assert.That(_told[$"pumps.devices.active irrigation {Product}"], Is.EqualTo(4));
            Assert.That(_told[$"pumps.devices.connected irrigation {Product}"], Is.EqualTo(2));
            Assert.That(_told[$"pumps.devices.silent irrigation {Product}"], Is.EqualTo(2), "One that has never spoken is not silent.");
            Assert.That(_told["pumps.devices.active irrigation unknown"], Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Devices_that_cannot_be_read_are_counted_once_by_firmware_and_reason_until_an_hour_has_gone()
    {
        await DeviceAsync("dp2-01", "online", Noon, firmware: "2.1.0");
        await LetterAsync("dp2-01", 1, "E_CRC", Noon.AddMinutes(-5));
        await LetterAsync("dp2-01", 2, "E_CRC", Noon.AddMinutes(-4));
        await LetterAsync("dp2-01", 3, "E_LENGTH", Noon.AddMinutes(-61));
        await LetterAsync("dp2-ff", 4, "untagged_device", Noon.AddMinutes(-5));

        await _census.HandleAsync(Cancel);
        Assert.That(Unreadable(), Is.EquivalentTo(new[] { $"{Product} 2.1.0 E_CRC: 1", "unknown unknown untagged_device: 1" }));

        await ExecuteAsync("delete from dead_letter where code = 'E_CRC'");
        await _census.HandleAsync(Cancel);
        Assert.That(Unreadable(), Does.Contain($"{Product} 2.1.0 E_CRC: 0"), "A gauge keeps its value: what is gone is told as zero.");
    }

    [Test]
    public async Task Open_commands_are_counted_whenever_they_were_given_and_ended_ones_for_an_hour()
    {
        await CommandAsync(1, "queued", Noon.AddDays(-1));
        await CommandAsync(2, "done", Noon.AddMinutes(-50));
        await CommandAsync(3, "done", Noon.AddMinutes(-70));
        await CommandAsync(4, "failed", Noon.AddMinutes(-1));

        await _census.HandleAsync(Cancel);

        Assert.That(
            Enum.GetValues<CommandPhase>().Select(p => $"{p.Name()} {_told[$"pumps.commands {p.Name()}"]}"),
            Is.EqualTo(new[] { "queued 1", "sent 0", "acknowledged 0", "done 1", "refused 0", "failed 1", "expired 0", "cancelled 0" }));
    }

    [Test]
    public async Task Open_firmware_transfers_are_counted_ended_ones_for_an_hour_and_rollouts_while_they_are_open()
    {
        await RolloutAsync(1, "running", null);
        await RolloutAsync(2, "paused", null);
        await RolloutAsync(3, "paused", "error_threshold");
        await RolloutAsync(4, "done", null);
        await TransferAsync(1, "waiting", null);
        await TransferAsync(2, "waiting", null);
        await TransferAsync(3, "ready", null);
        await TransferAsync(4, "done", Noon.AddMinutes(-50));
        await TransferAsync(5, "done", Noon.AddMinutes(-70));
        await TransferAsync(6, "failed", Noon.AddMinutes(-1));

        await _census.HandleAsync(Cancel);

        Assert.That(
            TransferPhases.All.Select(p => $"{p} {_told[$"pumps.firmware.transfers {p}"]}"),
            Is.EqualTo(new[] { "waiting 2", "sending 0", "ready 1", "activating 0", "confirming 0", "cancelling 0", "done 1", "failed 1", "cancelled 0" }));
        Assert.That(
            _told.Where(t => t.Key.StartsWith("pumps.firmware.rollouts ", StringComparison.Ordinal)).Select(t => $"{t.Key["pumps.firmware.rollouts ".Length..]} {t.Value}"),
            Is.EquivalentTo(new[] { "running 1", "paused 2", "aborting 0", "failing 1" }));
    }

    private IEnumerable<string> Unreadable() =>
        _told.Where(t => t.Key.StartsWith("pumps.devices.unreadable ", StringComparison.Ordinal)).Select(t => $"{t.Key["pumps.devices.unreadable ".Length..]}: {t.Value}");

    private async Task DeviceAsync(
        string id, string? phase, DateTimeOffset? seenAt, string product = Product, string status = "active", string? firmware = null)
    {
        await ExecuteAsync(
            $"insert into device (device_id, protocol, offering, product, status, firmware, retired_at) values ('{id}', 'dp2', 'irrigation', '{product}', '{status}', "
            + $"{(firmware is null ? "null" : $"'{firmware}'")}, {(status == "retired" ? "now()" : "null")})");
        if (phase is not null)
            await ExecuteAsync($"insert into device_connection (device_id, phase, since, sequence) values ('{id}', '{phase}', '{Noon:O}', '1')");
        if (seenAt is not null)
            await ExecuteAsync($"insert into latest (device_key, seen_at, observations, version) select device_key, '{seenAt:O}', '[]', 1 from device where device_id = '{id}'");
    }

    private Task LetterAsync(string device, int sequence, string code, DateTimeOffset at) => ExecuteAsync(
        "insert into dead_letter (device_id, hub, partition, sequence, enqueued_at, code, detail, properties, body, stored_at) "
        + $"values ('{device}', 'raw-telemetry-dp2', '0', {sequence}, '{at:O}', '{code}', '', '[]', '', '{at:O}')");

    private Task CommandAsync(int ordinal, string phase, DateTimeOffset at) => ExecuteAsync(
        "insert into command (device_id, ordinal, command_id, correlation, command, arguments, confirmed, requested_by, origin, customer, product, protocol, created_at, "
        + "expires_at, repeatable, phase, attempt, doubts, route, may_be_held, ended_at) "
        + $"values ('dp2-01', {ordinal}, 'c{ordinal}', '{ordinal}', 'stop', '{{}}', false, 'a', 'api', '', '{Product}', 'dp2', '{at:O}', '{at:O}', false, '{phase}', 0, 0, 'none', "
        + $"false, {(phase == "queued" ? "null" : $"'{at:O}'")})");

    private Task RolloutAsync(int number, string phase, string? reason) => ExecuteAsync(
        "insert into firmware_rollout (rollout_id, image_id, product, firmware, target, terms, placed_by, devices, phase, state, created_at, ended_at) "
        + $"values ('r{number}', 'i', '{Product}', '2', '{{}}', '{{}}', 'a', 1, '{phase}', jsonb_build_object('reason', {(reason is null ? "null::text" : $"'{reason}'")}), "
        + $"'{Noon:O}', {(phase == "done" ? $"'{Noon:O}'" : "null")})");

    private Task TransferAsync(int number, string phase, DateTimeOffset? endedAt) => ExecuteAsync(
        "insert into firmware_transfer (device_id, rollout_no, customer, wave, phase, state, ended_at) "
        + $"values ('dp2-{number}', 1, '', 0, '{phase}', '{{}}', {(endedAt is { } at ? $"'{at:O}'" : "null")})");
}
