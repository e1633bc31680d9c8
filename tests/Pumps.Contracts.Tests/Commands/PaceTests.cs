using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Pumps.Contracts.Tests.Portal;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>What leaves a region is counted for all of its processes together: here two, each with a pool and a clock of its own.</summary>
[NonParallelizable]
public sealed class PaceTests : PostgresFixture
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(0.25);

    private readonly MemoryPorts _registry = new();
    private FakeTimeProvider _time = null!;
    private FieldDevices _field = null!;
    private NpgsqlDataSource _elsewhere = null!;
    private int _devices;

    [SetUp]
    public async Task BeginAsync()
    {
        _time = new(Noon);
        (_field, _elsewhere) = (new(Catalog.Dictionaries, _time), PostgresSetUp.Again(Database));
        await ExecuteAsync("delete from command; update command_pace set budget = 0, filled_at = 'epoch'");
    }

    [TearDown]
    public async Task EndAsync() => await _elsewhere.DisposeAsync();

    [Test]
    public async Task Two_processes_together_call_no_more_than_the_pace_and_nothing_is_left_out()
    {
        const int rate = 4;
        var behind = new FakeTimeProvider(Noon.AddMilliseconds(-400));
        await GiveAsync("dp2", 22);
        SendCommands[] senders = [Sender(Database, _time, rate, rate), Sender(_elsewhere, behind, rate, rate)];

        // One of them may find all that is due taken by the other, and so leave room for the next time.
        var sent = new List<int> { 0 };
        while (sent[^1] < 22 && sent.Count < 100)
        {
            await Task.WhenAll(senders.Select(s => s.HandleAsync(100, TimeSpan.Zero, Cancel)));
            sent.Add(_field.Obeyed.Count);
            _time.Advance(Step);
            behind.Advance(Step);
        }

        for (var from = 0; from < sent.Count; from++)
            for (var to = from + 1; to < sent.Count; to++)
                Assert.That(sent[to] - sent[from], Is.LessThanOrEqualTo(rate + (rate * Step.TotalSeconds * (to - from - 1))), $"{from} to {to}");
        Assert.That(sent, Has.Count.GreaterThan(18), "4 that were saved up, and 18 at 4 a second");
        Assert.That(await PhasesAsync(), Is.EqualTo("done 22"));
    }

    [Test]
    public async Task What_found_no_room_goes_later_in_its_order_and_a_second_try_counts_as_the_first()
    {
        var devices = await GiveAsync("dp2", 5);
        _field.Silent = devices[0];
        var sender = Sender(Database, _time, 1, 1);
        for (var i = 0; i < 5; i++)
        {
            await sender.HandleAsync(100, TimeSpan.Zero, Cancel);
            Assert.That(_field.Obeyed.Select(o => o.DeviceId), Is.EqualTo(devices[..(i + 1)]));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        // Of a second try and a new command, given later than that was due, only one goes.
        _time.Advance(TimeSpan.FromSeconds(26));
        await GiveAsync("dp2", 1);
        await sender.HandleAsync(100, TimeSpan.Zero, Cancel);
        Assert.That(_field.Obeyed.Select(o => o.DeviceId), Is.EqualTo((string[])[.. devices, devices[0]]));
        Assert.That(await PhasesAsync(), Is.EqualTo("done 4, queued 1, sent 1"));
    }

    [Test]
    public async Task What_expires_while_it_waits_for_room_ends_and_needs_none()
    {
        await GiveAsync("dp1", 4);
        var sender = Sender(Database, _time, 1, 1);
        await sender.HandleAsync(100, TimeSpan.Zero, Cancel);
        Assert.That(await PhasesAsync(), Is.EqualTo("done 1, queued 3"));

        await ExecuteAsync("update command_pace set budget = 0, filled_at = '2100-01-01'");
        _time.Advance(CommandLimits.Dp1TimeToLiveMax);
        await sender.HandleAsync(100, TimeSpan.Zero, Cancel);

        Assert.That(await PhasesAsync(), Is.EqualTo("done 1, expired 3"));
        Assert.That(_field.Obeyed, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Two_processes_together_queue_no_more_messages_than_the_pace()
    {
        _field.Online = false;
        await GiveAsync("dp2", 6);
        SendCommands[] senders = [Sender(Database, _time, 100, 2), Sender(_elsewhere, _time, 100, 2)];
        var queued = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            await Task.WhenAll(senders.Select(s => s.HandleAsync(100, TimeSpan.Zero, Cancel)));
            queued.Add(_field.Queue.Count);
            _time.Advance(new CommandOptions().Pause);
        }

        Assert.That(queued, Is.EqualTo((int[])[2, 4, 6]));
        Assert.That(_field.Queue.Select(q => q.DeviceId), Is.Unique);
    }

    [Test]
    public async Task Who_has_patience_sends_at_the_pace_until_nothing_is_left()
    {
        await GiveAsync("dp2", 20);
        var time = new HastyTime(Noon);
        await Sender(Database, time, 4, 4).HandleAsync(100, TimeSpan.FromMinutes(1), Cancel);

        Assert.That(await PhasesAsync(), Is.EqualTo("done 20"));
        Assert.That(
            await ScalarAsync<DateTime>("select max(sent_at) from command"), Is.EqualTo(Noon.AddSeconds(4).UtcDateTime), "4 that were saved up, and 16 at 4 a second");
    }

    [Test]
    public async Task A_device_that_does_not_answer_holds_up_no_other()
    {
        var devices = await GiveAsync("dp2", 6);
        var last = new TaskCompletionSource();
        _field.WayTo = device =>
        {
            if (device == devices[^1])
                last.TrySetResult();
            return device == devices[0] ? last.Task : Task.CompletedTask;
        };
        await Sender(Database, new HastyTime(Noon), 100, 100).HandleAsync(2, TimeSpan.Zero, Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        Assert.That(await PhasesAsync(), Is.EqualTo("done 6"));
    }

    [Test]
    public async Task Fifty_who_ask_at_once_get_what_is_there()
    {
        CommandStore[] stores = [new(Database), new(_elsewhere)];
        var taken = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => stores[i % 2].TryTakeMessageAsync(new(7), Noon, Cancel)));

        Assert.That(taken.Count(t => t), Is.EqualTo(7));
    }

    [Test]
    public async Task A_clock_that_is_set_back_fills_nothing_twice()
    {
        var store = new CommandStore(Database);
        var taken = new List<bool>();
        foreach (var seconds in (double[])[0, 0, 1, 0, 0.5, 1, 1.5, 2])
            taken.Add(await store.TryTakeMessageAsync(new(1), Noon.AddSeconds(seconds), Cancel));

        Assert.That(taken, Is.EqualTo((bool[])[true, false, true, false, false, false, false, true]));
    }

    private SendCommands Sender(NpgsqlDataSource database, TimeProvider time, double methods, double messages) => new(
        Catalog, new CommandStore(database), _field, new(_registry, new ClockTable(database), time), new CountingBell(),
        Microsoft.Extensions.Options.Options.Create(new CommandOptions { MethodsPerSecond = methods, MessagesPerSecond = messages }), time, NullLogger<SendCommands>.Instance);

    /// <returns>The devices, in the order in which their commands were given, a microsecond apart: that is their order, too.</returns>
    private async Task<string[]> GiveAsync(string protocol, int count)
    {
        var devices = Enumerable.Range(_devices + 1, count).Select(n => protocol == "dp1" ? $"dp1-{4_800_000 + n}" : $"dp2-{0x00124b0000100000 + n:x16}").ToArray();
        _devices += count;
        for (var i = 0; i < count; i++)
        {
            await new DeviceTable(Database).StoreAsync(
                new(devices[i], protocol, "irrigation", protocol == "dp1" ? "irrigation-pump-v1" : "irrigation-pump-v2", "green-fields", "local", null), Cancel);
            var given = new FakeTimeProvider(_time.GetUtcNow().AddMicroseconds(i - count));
            Assert.That(
                await new SubmitCommand(Catalog, new CommandStore(Database), new CountingBell(), given).HandleAsync(
                    new("c", devices[i], "stop", new Dictionary<string, System.Text.Json.JsonElement>(), "anna", "test", false, null), Cancel),
                Is.InstanceOf<Answer<CommandView>.Found>());
        }

        return devices;
    }

    private async Task<string> PhasesAsync() => await ScalarAsync<string>(
        "select string_agg(phase || ' ' || n, ', ' order by phase) from (select phase, count(*) as n from command group by phase) p");

    /// <summary>A clock in which nobody waits: it goes on to the end of each wait.</summary>
    private sealed class HastyTime(DateTimeOffset now) : FakeTimeProvider(now)
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime != Timeout.InfiniteTimeSpan)
                Advance(dueTime);
            return timer;
        }
    }
}
