using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Pumps.Core.Firmware;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Turns of a device: between a real database and a receiver as devices have it.</summary>
public sealed class RunTransferTests : RolloutFixture
{
    private const int ChunkBytes = 512;

    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly byte[] Seed = SHA256.HashData("a seed for tests"u8);
    private static readonly byte[] Image4K = RandomBytes(4096);

    private FakeTimeProvider _time = null!;
    private RecordingQueue _queue = null!;
    private ReceivingDevice _device = null!;

    [SetUp]
    public async Task PlaceAsync()
    {
        (_time, _queue) = (new(Noon), new());
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(Seed, 0, key, 0);
        var id = Ed25519Signatures.KeyId(key);
        _device = new(_time, new Ed25519Signatures(new Dictionary<string, byte[]> { [Convert.ToHexStringLower(id)] = key }));

        var manifest = new Dp2Manifest(new byte[16], new byte[16], 1, 9, "2.5.0", 1, (uint)Image4K.Length, SHA256.HashData(Image4K), ChunkBytes).ToBytes();
        var (signed, signature) = (Dp2Manifest.SignedBytes(manifest), new byte[Ed25519.SignatureSize]);
        Ed25519.Sign(Seed, 0, signed, 0, signed.Length, signature, 0);
        await Images.AddAsync(
            new("real", Product, new(Protocol.Dp2, "2.5.0", 1, 9, Image4K.Length, SHA256.HashData(Image4K), signature, id, ChunkBytes, 0, manifest), Noon), Image4K, Cancel);
        await DevicesAsync(1);
        await ExecuteAsync("update command_pace set budget = 0, filled_at = 'epoch'");
        await StartedAsync(Rollout("r") with { ImageId = "real" });
    }

    [Test]
    public async Task A_turn_brings_the_image_to_the_device_and_has_it_started_and_what_it_says_of_itself_then_ends_the_transfer()
    {
        var run = Turns();
        await run.HandleAsync(Device(0), Cancel);
        Assert.That(await PhaseAsync(), Is.EqualTo("activating"));
        Assert.That(_device.Receiver.Image.ToArray(), Is.EqualTo(Image4K));

        _device.Receiver.Started();
        await new WakeTransfers(Store, _time).HandleAsync([Device(0)], Cancel);
        await run.HandleAsync(Device(0), Cancel);
        Assert.That(await PhaseAsync(), Is.EqualTo("done"));
        Assert.That(_device.Numbers, Is.Unique.And.Ordered, "Frames are numbered in the order in which they are sent.");
    }

    [Test]
    public async Task A_device_that_was_away_goes_on_with_what_it_has_as_soon_as_it_connects()
    {
        _device.FramesUntilOffline = 4;
        var run = Turns();
        await run.HandleAsync(Device(0), Cancel);
        Assert.That(await PhaseAsync(), Is.EqualTo("sending"));
        Assert.That(await Store.ClaimAsync(_time.GetUtcNow(), Queued, 10, Cancel), Is.Empty, "It is tried again after a while.");

        _device.FramesUntilOffline = null;
        var track = new TrackConnections(new ConnectionTable(Database), new WakeTransfers(Store, _time), Catalog, new Ledger(_time), _time);
        var connected = ConnectionEvent.Of(Device(0), true, _time.GetUtcNow(), ConnectionEvent.SequenceAt(_time.GetUtcNow().UtcTicks, 1));
        await track.HandleAsync(new("device-connections", "0", [new(1, _time.GetUtcNow(), connected.Key, connected.Properties, connected.Body)]), Cancel);
        Assert.That(await Store.ClaimAsync(_time.GetUtcNow(), Queued, 10, Cancel), Is.EqualTo(new[] { Device(0) }));
        await run.HandleAsync(Device(0), Cancel);
        Assert.That(await PhaseAsync(), Is.EqualTo("activating"));
        Assert.That(_device.Chunks, Is.EqualTo(Image4K.Length / ChunkBytes), "no chunk twice");
    }

    [Test]
    public async Task When_the_turn_is_over_the_device_stands_in_the_queue_again()
    {
        _device.After = () => _time.Advance(TimeSpan.FromSeconds(10));
        await Turns().HandleAsync(Device(0), Cancel);

        Assert.That(await PhaseAsync(), Is.EqualTo("sending"));
        Assert.That(_queue.Devices, Is.EqualTo(new[] { Device(0) }));
        Assert.That(await Store.ClaimAsync(_time.GetUtcNow(), Queued, 10, Cancel), Is.Empty, "queued already");
    }

    [Test]
    public async Task Without_room_in_the_pace_nothing_is_sent_and_the_device_keeps_its_place()
    {
        var methods = new Pace(40);
        await Store.TakePaceAsync(Device(0), 20, 1, false, methods, Noon, Cancel);
        // Commands take whatever comes back with the time.
        await ExecuteAsync($"update command_pace set filled_at = '{Noon.AddMinutes(1):O}'");
        var turn = Turns(methods.PerSecond).HandleAsync(Device(0), Cancel);
        while (!turn.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await turn;
        Assert.That(_device.Numbers, Is.Empty);
        Assert.That(await ScalarAsync<double>("select budget from command_pace where route = 'method'"), Is.EqualTo(20));
        Assert.That(_queue.Devices, Is.EqualTo(new[] { Device(0) }));
    }

    [Test]
    public async Task A_device_on_trial_is_confirmed_although_commands_take_all_of_the_pace_and_the_rollout_is_paused()
    {
        var run = Turns(40);
        await ExecuteAsync($"update command_pace set budget = 40, filled_at = '{Noon.AddMinutes(1):O}'");
        _device.SilentAt = Dp2TransferState.Activating;
        await run.HandleAsync(Device(0), Cancel);
        _device.SilentAt = null;
        _device.Receiver.Started();
        await PhaseAsync((await Store.FindAsync("r", Cancel))!, RolloutPhase.Paused);
        await ExecuteAsync("update command_pace set budget = 2");
        await new WakeTransfers(Store, _time).HandleAsync([Device(0)], Cancel);
        Assert.That(await Store.ClaimAsync(_time.GetUtcNow(), Queued, 1, Cancel), Is.EqualTo(new[] { Device(0) }));
        await run.HandleAsync(Device(0), Cancel);

        Assert.That(await PhaseAsync(), Is.EqualTo("done"));
    }

    [Test]
    public async Task A_device_that_has_become_another_product_gets_nothing_more_and_is_no_failure()
    {
        _device.FramesUntilOffline = 4;
        await Turns().HandleAsync(Device(0), Cancel);
        _device.FramesUntilOffline = null;
        await ExecuteAsync("update device set product = 'irrigation-station'");
        _time.Advance(TimeSpan.FromMinutes(2));
        await Turns().HandleAsync(Device(0), Cancel);

        var state = (await Store.ListOfDeviceAsync(Device(0), 1, Cancel)).Single().State;
        Assert.That((state.Phase, state.Reason), Is.EqualTo((TransferPhase.Cancelled, TransferReasons.OtherDevice)));
        Assert.That(_device.Chunks, Is.LessThan(Image4K.Length / ChunkBytes));
    }

    [Test]
    public async Task Another_image_under_a_known_id_is_what_is_sent_and_changed_bytes_are_not()
    {
        var shelf = new ImageShelf(Images);
        Assert.That((await shelf.FindAsync("image", Cancel)).Content, Is.EqualTo(Content));
        byte[] other = [1, 2, 3];
        await ExecuteAsync("delete from firmware_image where image_id = 'image'");
        var image = Image("image");
        await Images.AddAsync(image with { Head = image.Head with { Sha256 = SHA256.HashData(other), SizeBytes = 3 } }, other, Cancel);
        Assert.That((await shelf.FindAsync("image", Cancel)).Content, Is.EqualTo(other));

        await ExecuteAsync("update firmware_image set content = '\\x0102' where image_id = 'real'");
        Assert.That(() => new ImageShelf(Images).FindAsync("real", Cancel), Throws.InvalidOperationException);
    }

    [Test]
    public async Task A_device_of_an_aborted_rollout_is_told()
    {
        _device.FramesUntilOffline = 4;
        await Turns().HandleAsync(Device(0), Cancel);
        _device.FramesUntilOffline = null;
        var aborting = await PhaseAsync((await Store.FindAsync("r", Cancel))!, RolloutPhase.Aborting);
        await StepAsync(aborting, aborting.State, RolloutEffect.CancelTransfers);
        await Turns().HandleAsync(Device(0), Cancel);

        Assert.That(await PhaseAsync(), Is.EqualTo("cancelled"));
        Assert.That((Dp2TransferState)_device.Receiver.Status().State, Is.EqualTo(Dp2TransferState.Cancelled));
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(5).NextBytes(bytes);
        return bytes;
    }

    private RunTransfer Turns(double methodsPerSecond = 1000)
    {
        var firmware = Options.Create(new FirmwareOptions());
        return new(
            Store, new ImageShelf(Images), new FirmwareLink(Catalog, _device, firmware, _time, NullLogger<FirmwareLink>.Instance), _queue, firmware,
            Options.Create(new CommandOptions { MethodsPerSecond = methodsPerSecond }), _time, NullLogger<RunTransfer>.Instance);
    }

    private async Task<string> PhaseAsync() => (await Store.ListOfDeviceAsync(Device(0), 1, Cancel)).Single().State.Phase.Name();

    /// <summary>One device behind a hub, whose link may break.</summary>
    private sealed class ReceivingDevice(TimeProvider time, IFirmwareSignatures keys) : IDeviceMessaging
    {
        private readonly Dp2Frame _down = new();

        public Dp2FirmwareReceiver Receiver { get; } = new(3, 1, keys) { Window = 2 };

        public List<uint> Numbers { get; } = [];

        public int Chunks { get; private set; }

        public int? FramesUntilOffline { get; set; }

        /// <summary>In this state it hears, and its answers are lost.</summary>
        public Dp2TransferState? SilentAt { get; set; }

        public Action After { get; set; } = () => { };

        public Task<DeviceAnswer<MethodResponse>> InvokeAsync(
            string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel)
        {
            if (FramesUntilOffline-- <= 0)
                return Task.FromResult<DeviceAnswer<MethodResponse>>(new DeviceRefusal(DeviceRefusals.DeviceOffline, "not connected"));
            using var request = JsonDocument.Parse(payload);
            var frame = request.RootElement.GetProperty("frame").GetBytesFromBase64();
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            Dp2Decoder.TryDecode(frame, new DecodeContext(Direction.Down, now, 0, null, Catalog.Dictionaries, keys), _down);
            Numbers.Add(_down.Sequence);
            Chunks += _down.Body is Dp2FirmwareChunk ? 1 : 0;
            Receiver.Handle(frame, now);
            if ((Dp2TransferState)Receiver.Status().State == SilentAt)
                return Task.FromResult<DeviceAnswer<MethodResponse>>(new DeviceRefusal(DeviceRefusals.DeviceTimeout, "silent"));
            var answer = Dp2Encoder.Encode(new Dp2Header(0, (uint)Numbers.Count, now), Receiver.Answer());
            After();
            return Task.FromResult<DeviceAnswer<MethodResponse>>(new MethodResponse(200, JsonSerializer.Serialize(new { frame = Convert.ToBase64String(answer) })));
        }

        public Task<DeviceAnswer<CloudMessage>> SendAsync(string deviceId, CloudMessage message, CancellationToken cancel) => throw new NotSupportedException();

        public Task<DeviceTwin?> FindTwinAsync(string deviceId, CancellationToken cancel) => throw new NotSupportedException();

        public Task<DeviceAnswer<DeviceTwin>> UpdateDesiredAsync(string deviceId, string patch, long? ifVersion, CancellationToken cancel) => throw new NotSupportedException();
    }
}
