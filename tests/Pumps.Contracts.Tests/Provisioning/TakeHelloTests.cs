using System.Text;
using Pumps.Contracts.Tests.Commands;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

public sealed class TakeHelloTests : OrderFixture
{
    [Test]
    public async Task A_hello_finds_its_order_what_cannot_be_read_is_set_aside_and_the_books_balance()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        var ledger = new Ledger(Time);
        var handler = Handler(ledger);
        var batch = new HubBatch("command-results", "0",
        [
            Event(1, device, "pumps.hello.v1", """{"device":"x","hello":{"model":"IP-200","firmware":"2.0.1","dictionary":{"id":257,"revision":3}}}"""),
            Event(2, device, "pumps.hello.v1", """{"device":"x"}"""),
            Event(3, device, "pumps.hello.v1", "not JSON"),
            Event(4, device, "pumps.firmware-status.v1", "{}"),
            Event(5, "dp2-00000000000000ff", "pumps.hello.v1", """{"hello":{}}"""),
            Event(6, device, "pumps.something-new.v1", "{}"),
        ]);
        await handler.HandleAsync(batch, Cancel);
        await handler.HandleAsync(batch, Cancel);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await Store.FindAsync(order.Id, Cancel))!.Hello, Is.EqualTo(new DeviceHello(device, "IP-200", "2.0.1", 257)));
            Assert.That(ledger.Totals.Values.Single(), Is.EqualTo(new LedgerEntry(12, 6, 4, 0, 2)));
            Assert.That(await ScalarAsync<long>("select count(*) from dead_letter where code = 'invalid_result'"), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task A_firmware_status_and_a_hello_wake_the_open_transfers_of_their_devices()
    {
        var (spoken, started, silent) = (NewDevice(), NewDevice(), NewDevice());
        foreach (var device in (string[])[spoken, started, silent])
            await new DeviceTable(Database).StoreAsync(new(device, "dp2", "irrigation", "irrigation-pump-v2", "green-valley", "local", null), Cancel);
        await new FirmwareImages(Database).AddAsync(
            new("image", "irrigation-pump-v2", new(Protocol.Dp2, "2.0.1", 1, 9, 4, [], [], [], 1024, 0, []), Noon), new byte[4], Cancel);
        var rollouts = new RolloutStore(Database);
        var (_, rollout) = await rollouts.PlaceAsync(
            new("wake", "image", new(Devices: [spoken, started, silent]), new([100], 95, 5, TimeSpan.Zero), null, "anna"), Noon, Cancel);
        await rollouts.KeepAsync(rollout!, rollout!.State with { Wave = 0 }, RolloutEffect.StartWave, Noon, Cancel);
        foreach (var device in (string[])[spoken, started, silent])
        {
            var transfer = (await rollouts.TakeAsync(device, Noon, TimeSpan.FromMinutes(2), Cancel))!.Transfer;
            await rollouts.KeepAsync(transfer, new(TransferPhase.Activating, Noon.AddDays(1)), Noon, TimeSpan.Zero, Cancel);
        }

        await Handler(new Ledger(Time)).HandleAsync(new("command-results", "0",
        [
            Event(1, spoken, "pumps.firmware-status.v1", "{}"),
            Event(2, started, "pumps.hello.v1", """{"hello":{"firmware":"2.0.1"}}"""),
            Event(3, spoken, "pumps.firmware-status.v1", "{}"),
        ]), Cancel);

        Assert.That((await rollouts.TakeAsync(started, Noon, TimeSpan.FromMinutes(2), Cancel))!.Transfer.Running, Is.EqualTo("2.0.1"), "The hello was kept before.");
        Assert.That(await rollouts.TakeAsync(spoken, Noon, TimeSpan.FromMinutes(2), Cancel), Is.Null, "What it says comes with an answer, too: it is not asked without a break.");
        Assert.That(await rollouts.TakeAsync(spoken, Noon.AddSeconds(5), TimeSpan.FromMinutes(2), Cancel), Is.Not.Null);
        Assert.That(await rollouts.TakeAsync(silent, Noon, TimeSpan.FromMinutes(2), Cancel), Is.Null);
    }

    private TakeDeviceResults Handler(Ledger ledger) => new(
        Store, new TakeAnswers(new CommandStore(Database), new CountingBell(), Of(new CommandOptions()), Time),
        new WakeTransfers(new RolloutStore(Database), Time), new DeadLetters(Database), ledger, Time);

    private static HubEvent Event(long sequence, string device, string type, string body) => new(
        sequence, Noon, device, new(new KeyValuePair<string, string>(PropertyNames.CloudEventType, type)), Encoding.UTF8.GetBytes(body));
}
