using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Pumps.Contracts.Tests.Portal;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Core.Offerings;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>From the queue in PostgreSQL to devices that read real frames, and back.</summary>
[NonParallelizable]
public sealed class SendCommandsTests : PostgresFixture
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly IOptions<CommandOptions> Options =
        Microsoft.Extensions.Options.Options.Create(new CommandOptions { MethodsPerSecond = 100_000, MessagesPerSecond = 100_000 });

    private readonly CountingBell _bell = new();
    private FakeTimeProvider _time = null!;
    private FieldDevices _field = null!;
    private MemoryPorts _registry = null!;
    private CommandStore _store = null!;
    private int _devices;

    [SetUp]
    public void Begin()
    {
        _time = new(Noon);
        _field = new(Catalog.Dictionaries, _time);
        _store = new(Database);
        _registry = new();
    }

    [Test]
    public async Task A_command_goes_to_a_connected_device_and_its_answer_ends_it([Values("dp1", "dp2")] string protocol)
    {
        var device = await RegisterAsync(protocol);
        await GiveAsync(device, "a", "set_pressure", """{ "setpoint_pressure": 4.25 }""");
        await SendAsync();

        var view = await ReadAsync(device, "a");
        Assert.That((view.State, view.Route, view.Attempts, view.Answer?.Status), Is.EqualTo(("done", "method", 1, "done")));
        Assert.That(_field.Obeyed.Single(o => o.DeviceId == device), Is.EqualTo(new Obeyed(device, "set_pressure", (await FindAsync(device, "a")).Correlation, true)));
    }

    [Test]
    public async Task A_pump_of_a_station_is_commanded_by_its_number()
    {
        var device = await RegisterAsync("dp2", "irrigation-station");
        await GiveAsync(device, "p", "pumps[2].set_pressure", """{ "setpoint_pressure": 4.25 }""");
        await SendAsync();

        var view = await ReadAsync(device, "p");
        Assert.That((view.Command, view.State), Is.EqualTo(("pumps[2].set_pressure", "done")));
        Assert.That(_field.Obeyed.Single(o => o.DeviceId == device).Command, Is.EqualTo("pumps[2].set_pressure"));
    }

    /// <summary>From a queue it would come when its time is old.</summary>
    [Test]
    public async Task A_clock_is_set_to_the_time_of_sending_and_waits_in_no_queue()
    {
        var device = await RegisterAsync("dp1");
        await _registry.RegisterAsync(new(device, "dp1", "irrigation", "irrigation-pump-v1", "green-fields", "local", 120), null, Cancel);
        _field.Online = false;
        await GiveAsync(device, "c", "set_clock");
        await SendAsync();
        Assert.That(_field.Queue.Any(q => q.DeviceId == device), Is.False);

        _field.Online = true;
        _time.Advance(TimeSpan.FromSeconds(40));
        await SendAsync();

        var local = _time.GetUtcNow().AddMinutes(120) - new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.That((await ReadAsync(device, "c")).State, Is.EqualTo("done"));
        Assert.That(_field.Obeyed.Single(o => o.DeviceId == device).Number, Is.EqualTo((uint)local.TotalSeconds));
    }

    [Test]
    public async Task A_clock_of_which_nobody_knows_the_offset_is_not_set()
    {
        var device = await RegisterAsync("dp1");
        await GiveAsync(device, "o", "set_clock");
        await SendAsync();

        var view = await ReadAsync(device, "o");
        Assert.That((view.State, view.Reason), Is.EqualTo(("failed", "missing_utc_offset")));
        Assert.That(_field.Obeyed.Any(o => o.DeviceId == device), Is.False);
    }

    [Test]
    public async Task A_device_that_is_away_gets_it_from_the_queue_and_answers_as_a_message([Values("dp1", "dp2")] string protocol)
    {
        _field.Online = false;
        var device = await RegisterAsync(protocol);
        await GiveAsync(device, "q", "stop");
        await SendAsync();
        Assert.That((await ReadAsync(device, "q")).Route, Is.EqualTo("queue"));

        var (to, message) = _field.Queue.Single(q => q.DeviceId == device);
        Assert.That((to, message.Ack, message.TimeToLive), Is.EqualTo((device, DeliveryAck.Full, (await FindAsync(device, "q")).Terms.ExpiresAt - Noon)));
        await Deliveries().HandleAsync([new(device, message.MessageId, DeliveryOutcome.Completed, Noon)], Cancel);
        Assert.That((await ReadAsync(device, "q")).State, Is.EqualTo("acknowledged"));

        await AnswerAsync(device, "q", protocol == "dp1"
            ? """{ "correlation": "#", "command": "stop", "status": "done", "detail": 0, "value": 0 }"""
            : """{ "correlation": "#", "status": "done" }""");
        Assert.That((await ReadAsync(device, "q")).State, Is.EqualTo("done"));
    }

    [Test]
    public async Task What_a_queue_drops_has_expired()
    {
        _field.Online = false;
        var device = await RegisterAsync("dp2");
        await GiveAsync(device, "d", "stop");
        await SendAsync();
        _time.Advance(TimeSpan.FromSeconds(301));
        await Deliveries().HandleAsync([new(device, _field.Queue.Single(q => q.DeviceId == device).Message.MessageId, DeliveryOutcome.Expired, Noon)], Cancel);

        Assert.That((await ReadAsync(device, "d")).State, Is.EqualTo("expired"));
    }

    [Test]
    public async Task A_refusal_says_why()
    {
        _field.Result = 6;
        var device = await RegisterAsync("dp1");
        await GiveAsync(device, "r", "start");
        await SendAsync();

        var view = await ReadAsync(device, "r");
        Assert.That((view.State, view.Reason), Is.EqualTo(("refused", "interlock")));
    }

    [Test]
    public async Task After_a_crash_between_the_state_and_the_transmission_it_is_sent_with_the_same_token()
    {
        var device = await RegisterAsync("dp1");
        await GiveAsync(device, "c", "stop");
        var taken = await Sender().TakeAsync(10, Cancel);
        Assert.That(taken.Steps.Single(s => s.Command.Target.DeviceId == device).Effect, Is.Not.Null, "and now the host dies");

        await SendAsync();
        Assert.That(_field.Obeyed.Where(o => o.DeviceId == device), Is.Empty, "nobody sends it while its answer may come");
        _time.Advance(TimeSpan.FromSeconds(30));
        await SendAsync();

        var view = await ReadAsync(device, "c");
        Assert.That((view.State, view.Attempts), Is.EqualTo(("done", 2)));
        Assert.That(
            _field.Obeyed.Single(o => o.DeviceId == device).Correlation, Is.EqualTo(taken.Steps.Single(s => s.Command.Target.DeviceId == device).Command.Correlation));
    }

    [Test]
    public async Task A_silent_device_is_asked_again_with_the_same_correlation_and_then_given_up()
    {
        var device = await RegisterAsync("dp2");
        _field.Silent = device;
        await GiveAsync(device, "s", "stop");
        for (var attempt = 0; attempt < 4; attempt++)
        {
            await SendAsync();
            _time.Advance(TimeSpan.FromSeconds(30));
        }

        var view = await ReadAsync(device, "s");
        Assert.That((view.State, view.Reason, view.Attempts), Is.EqualTo(("failed", "no_answer", 3)));
        Assert.That(_field.Obeyed.Where(o => o.DeviceId == device).Select(o => o.Correlation).Distinct().Count(), Is.EqualTo(1));

        await AnswerAsync(device, "s", """{ "correlation": "#", "status": "done" }""");
        view = await ReadAsync(device, "s");
        Assert.That((view.State, view.Late), Is.EqualTo(("done", true)), "a late word is the truth");
    }

    [Test]
    public async Task Commands_of_a_device_go_one_at_a_time_in_their_order_whoever_sends()
    {
        string[] devices = [await RegisterAsync("dp1"), await RegisterAsync("dp2"), await RegisterAsync("dp1"), await RegisterAsync("dp2")];
        const int each = 12;
        for (var i = 0; i < each; i++)
            foreach (var device in devices)
                await GiveAsync(device, $"o-{i}", "set_pressure", $$"""{ "setpoint_pressure": {{i}} }""");

        // Four hosts at once, each with every right to send.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var sender = Sender();
            while (_field.Obeyed.Count(o => devices.Contains(o.DeviceId)) < each * devices.Length)
                await sender.HandleAsync(7, TimeSpan.Zero, Cancel);
        }));

        foreach (var device in devices)
        {
            var wanted = new List<string>();
            for (var i = 0; i < each; i++)
                wanted.Add((await FindAsync(device, $"o-{i}")).Correlation);
            Assert.That(_field.Obeyed.Where(o => o.DeviceId == device).Select(o => o.Correlation), Is.EqualTo(wanted));
        }
    }

    [Test]
    public async Task A_queued_command_can_be_taken_back_and_a_sent_one_cannot()
    {
        var device = await RegisterAsync("dp2");
        await GiveAsync(device, "first", "stop");
        await GiveAsync(device, "second", "stop");
        await Sender().TakeAsync(100, Cancel);
        var cancel = new CancelCommand(_store, _bell, Options, _time, NullLogger<CancelCommand>.Instance);

        Assert.That((await cancel.HandleAsync(device, "first", "berta", Cancel) as Answer<CommandView>.Refused)?.Rule, Is.EqualTo("command_sent"));
        var back = (Answer<CommandView>.Found)await cancel.HandleAsync(device, "second", "berta", Cancel);
        Assert.That((back.Value.State, back.Value.CancelledBy), Is.EqualTo(("cancelled", "berta")));
        Assert.That(await cancel.HandleAsync(device, "third", "berta", Cancel), Is.InstanceOf<Answer<CommandView>.Absent>());
    }

    [Test]
    public async Task A_full_queue_is_tried_again_until_the_command_expires()
    {
        (_field.Online, _field.QueueFull) = (false, true);
        var device = await RegisterAsync("dp1");
        await GiveAsync(device, "f", "stop");
        for (var i = 0; i < 13; i++)
        {
            await SendAsync();
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        await SendAsync();
        Assert.That((await ReadAsync(device, "f")).State, Is.EqualTo("expired"));
    }

    [Test]
    public async Task An_answer_to_nobody_and_one_that_cannot_be_read_harm_nobody()
    {
        var device = await RegisterAsync("dp2");
        var letters = new DeadLetters(Database);
        await Results(letters).HandleAsync(
            new("command-results", "0", [Event(device, """{ "result": { "correlation": "00ff", "status": "done" } }""", 1), Event(device, "{}", 2)]), Cancel);

        Assert.That((await letters.ListAsync("invalid_result", null, 10, Cancel)).Items.Count(l => l.Letter.DeviceId == device), Is.EqualTo(1));
    }

    private SendCommands Sender() => new(Catalog, _store, _field, new(_registry, new ClockTable(Database), _time), _bell, Options, _time, NullLogger<SendCommands>.Instance);

    private Task SendAsync() => Sender().HandleAsync(100, TimeSpan.Zero, Cancel);

    private TakeDeliveries Deliveries() => new(_store, _bell, Options, _time);

    private TakeDeviceResults Results(DeadLetters letters) => new(
        new OrderTable(Database), new TakeAnswers(_store, _bell, Options, _time), new(new RolloutStore(Database), _time), letters, new Ledger(_time), _time);

    private async Task AnswerAsync(string device, string id, string result)
    {
        var correlation = (await FindAsync(device, id)).Correlation;
        await Results(new DeadLetters(Database)).HandleAsync(
            new("command-results", "0", [Event(device, $$"""{ "result": {{result.Replace("#", correlation, StringComparison.Ordinal)}} }""", 1)]), Cancel);
    }

    private HubEvent Event(string device, string body, long sequence) => new(
        sequence, Noon, device,
        new(new(PropertyNames.CloudEventType, "pumps.command-result.v1"), new(PropertyNames.Protocol, device[..3])), Encoding.UTF8.GetBytes(body));

    private async Task<string> RegisterAsync(string protocol, string? product = null)
    {
        var number = ++_devices;
        var device = protocol == "dp1" ? $"dp1-{4_712_000 + number}" : $"dp2-{0x00124b0000000000 + number:x16}";
        await new DeviceTable(Database).StoreAsync(
            new(device, protocol, "irrigation", product ?? (protocol == "dp1" ? "irrigation-pump-v1" : "irrigation-pump-v2"), "green-fields", "local", null), Cancel);
        return device;
    }

    private async Task GiveAsync(string device, string id, string command, string arguments = "{}")
    {
        var answer = await new SubmitCommand(Catalog, _store, _bell, _time).HandleAsync(
            new(id, device, command, JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(arguments)!, "anna", "test", false, null), Cancel);
        Assert.That(answer, Is.InstanceOf<Answer<CommandView>.Found>());
    }

    private async Task<StoredCommand> FindAsync(string device, string id) => (await _store.FindAsync(device, id, Cancel))!;

    private async Task<CommandView> ReadAsync(string device, string id) => CommandView.Of(await FindAsync(device, id));
}
