using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.LocalRegion.Cli;
using Spectre.Console;

namespace Pumps.Journeys.Tests;

/// <summary>Commands from the HTTP API to simulated devices of both protocols, and what the API says became of them.</summary>
[NonParallelizable]
public sealed class CommandJourney
{
    private static readonly FleetOptions Options = new() { Devices = 12, Seed = 71, ConnectsPerSecond = 1000, IncidentsPerSiteDay = 0 };

    [Test]
    public async Task Commands_reach_devices_of_both_protocols_in_order_and_each_ends_with_the_device_s_word()
    {
        await using var region = await HostedRegion.StartAsync();
        await using var fleet = await RunningFleet.StartAsync(region, Options);
        await fleet.ConnectedAsync();
        foreach (var product in new[] { FleetProduct.IrrigationPumpV1, FleetProduct.IrrigationPumpV2 })
        {
            var device = fleet.Devices.First(d => d.Product == product).Id;
            foreach (var seconds in new[] { 40, 50, 60 })
                await GiveAsync(region, device, $"interval-{seconds}", "set_report_interval", new { report_interval = seconds });
            await GiveAsync(region, device, "pressure", "set_pressure", new { setpoint_pressure = 3.5 });

            var ended = await EndedAsync(region, device, "pressure");
            Assert.That(Text(ended, "state"), Is.EqualTo("done"), ended.ToString());
            var list = await region.GetAsync($"api/devices/{device}/commands");
            Assert.That(
                list.GetProperty("items").EnumerateArray().Select(c => (Text(c, "id"), Text(c, "state"), Text(c, "route"))),
                Is.EqualTo(new[] { "pressure", "interval-60", "interval-50", "interval-40" }.Select(id => (id, "done", "method"))));
        }

        var station = fleet.Devices.First(d => d.Product is FleetProduct.IrrigationStation).Id;
        await GiveAsync(region, station, "pump", "pumps[2].stop", new { });
        await GiveAsync(region, station, "none", "pumps[4].stop", new { });
        Assert.That(Text(await EndedAsync(region, station, "pump"), "state"), Is.EqualTo("done"));
        var fourth = await EndedAsync(region, station, "none");
        Assert.That((Text(fourth, "command"), Text(fourth, "state"), Text(fourth, "reason")), Is.EqualTo(("pumps[4].stop", "refused", "bad_argument")), "it has three");

        await region.SettleAsync();
        await TryCommandLineAsync(region, fleet.Devices.First(d => d.Product is FleetProduct.IrrigationPumpV1).Id);
    }

    [Test]
    public async Task A_device_that_is_away_takes_its_command_when_it_comes_back()
    {
        await using var region = await HostedRegion.StartAsync();
        var device = DeviceSpec.Of(Options).First(d => d.Product is FleetProduct.IrrigationPumpV2).Id;
        await region.RegisterAsync(device, "irrigation-pump-v2");
        await GiveAsync(region, device, "waits", "set_report_interval", new { report_interval = 45 });
        var waits = await Patience.UntilAsync(
            () => region.GetAsync($"api/devices/{device}/commands/waits"), c => Text(c, "route") == "queue", "the command in the hub's queue");
        Assert.That(Text(waits, "state"), Is.EqualTo("sent"));

        await using var fleet = await RunningFleet.StartAsync(region, Options);
        Assert.That(Text(await EndedAsync(region, device, "waits"), "state"), Is.EqualTo("done"));
        Assert.That(fleet.Received(device), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_region_that_is_killed_in_the_middle_ends_every_command_and_no_device_meets_two_of_one()
    {
        const int rounds = 6;
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();
        await using var fleet = await RunningFleet.StartAsync(region, Options);
        await fleet.ConnectedAsync();
        var devices = fleet.Devices.Where(d => d.Product is FleetProduct.IrrigationPumpV1 or FleetProduct.IrrigationPumpV2).Select(d => d.Id).ToList();

        for (var round = 0; round < rounds; round++)
        {
            await Parallel.ForEachAsync(devices, async (device, _) =>
                await GiveAsync(region, device, $"r{round}", "set_report_interval", new { report_interval = 60 + round }));
            if (round % 2 == 0)
            {
                await region.KillAsync();
                await region.StartAsync();
            }
        }

        foreach (var device in devices)
        {
            var wanted = new List<string>();
            for (var round = 0; round < rounds; round++)
            {
                var ended = await EndedAsync(region, device, $"r{round}");
                Assert.That(Text(ended, "state"), Is.EqualTo("done").Or.EqualTo("expired").Or.EqualTo("failed"), ended.ToString());
                if (Text(ended, "state") == "done")
                    wanted.Add($"{60 + round}");
            }

            // A frame may come again; it carries the token or correlation that the device knows, so it is one command.
            var met = fleet.Received(device).DistinctBy(f => f.Correlation).Select(f => f.Interval).ToList();
            Assert.That(met, Is.Unique, $"{device} met two commands of one");
            Assert.That(met, Is.Ordered, $"{device} met them in their order");
            Assert.That(wanted, Is.SubsetOf(met), $"{device} says done of what it has met");
        }

        await TestContext.Progress.WriteLineAsync($"{rounds * devices.Count} commands, {devices.Sum(d => fleet.Received(d).Count)} frames received");
    }

    /// <summary>What <c>pumps devices</c> prints of this region: of what it does, and of what it cannot.</summary>
    private static async Task TryCommandLineAsync(HostedRegion region, string device)
    {
        var customer = Text(await region.GetAsync($"api/devices/{device}"), "customer");
        using var site = await region.Http.PutAsJsonAsync("api/sites/north-field", new { customer, name = "North field", timeZone = "Europe/Berlin" });
        Assert.That(site.IsSuccessStatusCode, await site.Content.ReadAsStringAsync());
        using var placed = await region.Http.PatchAsJsonAsync($"api/devices/{device}", new { site = "north-field", tags = new[] { "greenhouse" } });
        Assert.That(placed.IsSuccessStatusCode, await placed.Content.ReadAsStringAsync());

        using (Assert.EnterMultipleScope())
        {
            await PrintsAsync(0, "list --site north-field", device, "irrigation-pump-v1", "north-field", "greenhouse", "active");
            await PrintsAsync(0, "list --limit 1", "There are more: --after");
            await PrintsAsync(1, "list --limit 0", "answers 400", "\"limit\" is \"0\"", "a whole number from 1 to");
            await PrintsAsync(0, $"show {device}", "customer", customer!, "site", "north-field", "connection", "online");
            await PrintsAsync(0, $"show {device} --json", "\"id\":\"" + device);
            await PrintsAsync(1, "show dp1-999", "answers 404", "dp1-999");
            await PrintsAsync(0, "sites", "north-field", "North field", "Europe/Berlin");
            await PrintsAsync(0, "customers", customer!);

            await PrintsAsync(0, $"add-site south-field {customer} Europe/Berlin --name South", "south-field", "South");
            await PrintsAsync(0, $"place {device} --site south-field --tag orchard", "site         south-field", "tags         orchard");
            await PrintsAsync(0, $"place {device} --site north-field --tag greenhouse", "north-field");
            await PrintsAsync(1, $"order dp2-70B3 nothing {customer}", "answers 400", "\"device\" is \"dp2-70B3\"", "\"product\" is \"nothing\"");
            await PrintsAsync(0, $"command send {device} set_clock --wait", "done");
            await PrintsAsync(0, $"command send {device} read_buffer samples=3 --wait", "done");
            await PrintsAsync(0, "command refused", "none");

            await PrintsAsync(0, $"command send {device} set_report_interval report_interval=55 --wait --id by-hand", "by-hand", "report_interval=55", "done");
            await PrintsAsync(0, $"command list {device}", "by-hand", "set_report_interval", "done");
            await PrintsAsync(1, $"command cancel {device} by-hand", "answers 409", "done already");
            await PrintsAsync(1, $"command send {device} fly", "answers 400", "one of start, stop");
            await PrintsAsync(1, $"command send {device} set_speed 2900", "\"2900\" is not name=value.");
            await PrintsAsync(1, $"command send {device} reboot", "answers 409", "Say that you mean it", "Here: --confirm.");
            await PrintsAsync(0, "command send-all read_status --site north-field --tag greenhouse --id all-1", "all-1: 1 devices, 1 queued, 0 refused", device);
            await PrintsAsync(0, "command receipt all-1", "all-1: 1 devices", device);
            await PrintsAsync(1, "command send-all read_status --tag greenhouse", "answers 400", "\"customer\" is missing");
            await PrintsAsync(0, $"command audit {device}", "by-hand", "not_taken", "unknown_command", "confirmation_required");
            await PrintsAsync(1, "command audit dp1-999", "answers 404");
        }

        var plan = Path.Combine(region.DataFolder, "plan.json");
        await File.WriteAllTextAsync(plan, """{ "name": "Morning", "times": ["05:30"], "weekdays": ["mon"], "run": { "command": "start" }, "minutes": 5, "then": { "command": "stop" } }""");
        var id = JsonElement.Parse(await PrintsAsync(0, $"schedule add {plan} --site north-field --json")).GetProperty("id").GetString();
        using (Assert.EnterMultipleScope())
        {
            await PrintsAsync(0, "schedule list --site north-field", "Morning", "active", "Europe/Berlin");
            await PrintsAsync(0, $"schedule next {id}", "05:30");
            await PrintsAsync(0, $"schedule pause {id}", "paused");
            await PrintsAsync(0, $"schedule resume {id}", "active");
            await PrintsAsync(0, $"schedule remove {id}", "Removed");
            await PrintsAsync(1, $"schedule show {id}", "answers 404");
            await PrintsAsync(1, "schedule add no-such-file.json --site north-field", "no-such-file.json");
        }

        async Task<string> PrintsAsync(int code, string words, params string[] expected)
        {
            var (given, text) = await PumpsAsync($"{words} --data {region.DataFolder}");
            Assert.That(given, Is.EqualTo(code), $"devices {words}: {text}");
            foreach (var part in expected)
                Assert.That(text, Does.Contain(part), $"devices {words}");
            return text;
        }
    }

    /// <summary>Runs <c>pumps devices</c> with these words in this process; a console wide enough that no line is broken.</summary>
    private static async Task<(int Code, string Text)> PumpsAsync(string words)
    {
        using var written = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(written) });
        console.Profile.Width = 400;
        var code = await DevicesCommand.Create(console, TimeProvider.System).Parse(words).InvokeAsync();
        return (code, written.ToString());
    }

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    /// <summary>Gives a command until the region has said that it has it: the same id is the same command.</summary>
    private static async Task GiveAsync(RunningRegion region, string device, string id, string command, object arguments)
    {
        using var http = new HttpClient { BaseAddress = region.Url };
        await Patience.UntilAsync(async () =>
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"api/devices/{device}/commands") { Content = JsonContent.Create(new { command, arguments }) };
                request.Headers.Add("Idempotency-Key", id);
                using var answer = await http.SendAsync(request);
                return answer.StatusCode;
            }
            catch (HttpRequestException)
            {
                return HttpStatusCode.ServiceUnavailable;   // It is down just now.
            }
        }, status => status is not HttpStatusCode.ServiceUnavailable, $"{id} given to {device}");
        await region.GetAsync($"api/devices/{device}/commands/{id}");
    }

    private static Task<JsonElement> EndedAsync(RunningRegion region, string device, string id) => Patience.UntilAsync(
        () => region.GetAsync($"api/devices/{device}/commands/{id}"), c => c.GetProperty("endedAt").ValueKind is JsonValueKind.String, $"{id} of {device} ended",
        TimeSpan.FromMinutes(3));

    /// <summary>A fleet that runs beside the test and remembers what came down.</summary>
    private sealed class RunningFleet : IAsyncDisposable, IFleetObserver
    {
        private readonly ConcurrentQueue<(string Device, byte[] Frame)> _received = new();
        private readonly CancellationTokenSource _over = new();
        private readonly HttpClient _http;
        private readonly Fleet.Fleet _fleet;
        private readonly Task _running;

        private RunningFleet(RunningRegion region, FleetOptions options)
        {
            _http = new HttpClient { BaseAddress = region.Url };
            _fleet = new(
                options, new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true), new HttpProvisioner(_http),
                RunningRegion.Catalog.Dictionaries, TimeProvider.System, this);
            _running = _fleet.RunAsync(_over.Token);
        }

        public IReadOnlyList<DeviceSpec> Devices => _fleet.Devices;

        public static Task<RunningFleet> StartAsync(RunningRegion region, FleetOptions options) => Task.FromResult(new RunningFleet(region, options));

        public Task ConnectedAsync() => Patience.UntilAsync(
            () => _running.IsCompleted || _fleet.Statistics.Connected == Devices.Count, $"every device connected ({_fleet.Statistics.LastConnectFailure})");

        /// <summary>The commands that came to a device, oldest first: what identifies them, and the interval they set.</summary>
        public List<(string Correlation, string Interval)> Received(string device)
        {
            var spec = Devices.Single(d => d.Id == device);
            var context = new DecodeContext(Direction.Down, null, 0, spec.Number, RunningRegion.Catalog.Dictionaries);
            return [.. _received.Where(r => r.Device == device).Select(r => Read(spec.Protocol, r.Frame, context))];
        }

        public void Acknowledged(DeviceFrame frame)
        {
            // This journey is about the way down.
        }

        public void Received(string deviceId, ReadOnlySpan<byte> frame) => _received.Enqueue((deviceId, frame.ToArray()));

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await _running;
            _over.Dispose();
            _http.Dispose();
        }

        private static (string, string) Read(Protocol protocol, byte[] frame, in DecodeContext context)
        {
            if (protocol is Protocol.Dp1)
            {
                var telegram = new Dp1Telegram();
                Assert.That(Dp1Decoder.TryDecode(frame, context, telegram), Is.EqualTo(DecodeError.None));
                return ($"{telegram.Command.Token}", $"{telegram.Command.Argument1}");
            }

            var down = new Dp2Frame();
            Assert.That(Dp2Decoder.TryDecode(frame, context, down), Is.EqualTo(DecodeError.None));
            return (Convert.ToHexStringLower(((Dp2Command)down.Body!).Correlation), $"{down.Points.Points[0].Bits}");
        }
    }
}
