using System.Text;
using Pumps.Contracts.Tests.Commands;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
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
        var handler = new TakeDeviceResults(
            Store, new TakeAnswers(new CommandStore(Database), new CountingBell(), Microsoft.Extensions.Options.Options.Create(new CommandOptions()), Time), new DeadLetters(Database), ledger, Time);
        var batch = new HubBatch("command-results", "0",
        [
            Event(1, device, "pumps.hello.v1", """{"device":"x","hello":{"model":"IP-200","firmware":"2.0.1","dictionary":{"id":257,"revision":3}}}"""),
            Event(2, device, "pumps.hello.v1", """{"device":"x"}"""),
            Event(3, device, "pumps.hello.v1", "not JSON"),
            Event(4, device, "pumps.firmware-status.v1", "{}"),
            Event(5, "dp2-00000000000000ff", "pumps.hello.v1", """{"hello":{}}"""),
        ]);
        await handler.HandleAsync(batch, Cancel);
        await handler.HandleAsync(batch, Cancel);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await Store.FindAsync(order.Id, Cancel))!.Hello, Is.EqualTo(new DeviceHello(device, "IP-200", "2.0.1", 257)));
            Assert.That(ledger.Totals.Values.Single(), Is.EqualTo(new LedgerEntry(10, 4, 4, 0, 2)));
            Assert.That(await ScalarAsync<long>("select count(*) from dead_letter where code = 'invalid_result'"), Is.EqualTo(2));
        }
    }

    private static HubEvent Event(long sequence, string device, string type, string body) => new(
        sequence, Noon, device, new(new KeyValuePair<string, string>(PropertyNames.CloudEventType, type)), Encoding.UTF8.GetBytes(body));
}
