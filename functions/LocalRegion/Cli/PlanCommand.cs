using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pumps.Core.Capacity;
using Pumps.Core.Offerings;
using Pumps.Handlers.Capacity;
using Pumps.Handlers.Offerings;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps plan</c>: what a region in Azure needs for so many devices, which limit comes first, what it costs; and writes it into the region's file.</summary>
public sealed class PlanCommand
{
    private const string DefaultPrices = "westeurope";

    // Into a file or a pipe the console would wrap at 80.
    private const int WidthMin = 132;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly Option<long> _devices = new("--devices") { Required = true, Description = "Devices of the region." };
    private readonly Option<double> _interval = new("--interval") { Required = true, Description = "Seconds between two telemetry messages of a device." };
    private readonly Option<string[]> _offering = new("--offering")
    {
        Description = "An offering, or offering=weight; may be repeated. Default: all of the catalog alike.", AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double?> _dp1Share = new("--dp1-share") { Description = "Share of devices that speak DP1, 0 to 1. Default: 0.5." };
    private readonly Option<double?> _messageBytes = new("--message-bytes") { Description = "Bytes of a message. Default: as measured." };
    private readonly Option<double?> _observations = new("--observations") { Description = "Observations in a message. Default: as measured." };
    private readonly Option<double?> _eventShare = new("--event-share") { Description = "Event messages for each telemetry message. Default: 0.02." };
    private readonly Option<double?> _commands = new("--commands") { Description = "Commands a device and day. Default: 0.1." };
    private readonly Option<int?> _partners = new("--partners") { Description = "Partners, each reading all feeds. Default: 0." };
    private readonly Option<int?> _retention = new("--retention") { Description = "Days that observations stay in the database. Default: 90." };
    private readonly Option<int[]> _archive = new("--archive")
    {
        Description = "Days after which raw events are cool, cold, deleted. Default: 30 90 730.", Arity = new(3, 3), AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double?> _peak = new("--peak") { Description = "The busiest minute as a multiple of the average. Default: 2." };
    private readonly Option<bool> _zoneRedundant = new("--zone-redundant") { Description = "With a standby database server in another zone." };
    private readonly Option<bool> _burstable = new("--burstable") { Description = "A burstable database server while one is large enough: for trying only." };
    private readonly Option<string> _prices = new("--prices") { Description = "Price list in catalog/capacity/prices.", DefaultValueFactory = _ => DefaultPrices };
    private readonly Option<string[]> _price = new("--price") { Description = "Another price, name=value, such as iotHubS2Unit=230; may be repeated.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<bool> _json = new("--json") { Description = "Print the plan as JSON, and nothing else." };
    private readonly Option<FileInfo?> _write = new("--write") { Description = "A file of bicep/regions: puts in what the plan derives, and shows the difference." };

    private readonly string _catalog;
    private readonly Command _command;

    private PlanCommand(string catalog)
    {
        _catalog = catalog;
        _command = new("plan", "Size a region in Azure: units, instances, database, cost, and which limit comes first. Exit code 1: bad input.")
        {
            _devices, _interval, _offering, _dp1Share, _messageBytes, _observations, _eventShare, _commands, _partners, _retention, _archive, _peak,
            _zoneRedundant, _burstable, _prices, _price, _json, _write,
        };
    }

    public static Command Create(IAnsiConsole console) => Create(console, CatalogLoader.DefaultFolder);

    internal static Command Create(IAnsiConsole console, string catalog)
    {
        var plan = new PlanCommand(catalog);
        plan._command.SetAction(parsed => plan.Run(console, parsed));
        return plan._command;
    }

    /// <summary>The plan of options as a region's file has them.</summary>
    /// <exception cref="FormatException">They are no options of this command, or no workload.</exception>
    internal static CapacityPlan Of(string options)
    {
        var plan = new PlanCommand(CatalogLoader.DefaultFolder);
        var parsed = plan._command.Parse(options);
        return parsed.Errors.Count == 0 ? plan.Compute(parsed) : throw new FormatException(string.Join(' ', parsed.Errors.Select(e => e.Message)));
    }

    private int Run(IAnsiConsole console, ParseResult parsed)
    {
        try
        {
            var plan = Compute(parsed);
            if (parsed.GetValue(_json))
                console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(plan, Json));
            else
                PlanTables.Print(console, plan, WidthMin);
            return parsed.GetValue(_write) is { } file ? Write(console, plan, OptionsOf(plan.Workload) + PricesOf(parsed), file, quiet: parsed.GetValue(_json)) : 0;
        }
        catch (Exception wrong) when (wrong is FormatException or CatalogException or IOException or UnauthorizedAccessException)
        {
            console.MarkupLineInterpolated($"[red]{wrong.Message}[/]");
            return 1;
        }
    }

    private CapacityPlan Compute(ParseResult parsed)
    {
        var catalog = CatalogLoader.Load(_catalog);
        var limits = CapacityFiles.Limits(_catalog);
        var load = Workload(parsed, catalog);
        if (load.Faults(limits).ToList() is { Count: > 0 } faults)
            throw new FormatException(string.Join(Environment.NewLine, faults.Select(f => "--" + f)));

        var list = parsed.GetValue(_prices)!;
        if (!list.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)))
            throw new FormatException($"--prices {list}: a price list is named like its location, such as {DefaultPrices}.");
        var prices = CapacityFiles.Prices(_catalog, list, Weights("--price", parsed.GetValue(_price) ?? []));
        return new CapacityModel(Topology.Of(catalog), limits, CapacityFiles.Costs(_catalog), prices).Plan(load);
    }

    private Workload Workload(ParseResult parsed, Catalog catalog)
    {
        var offerings = Weights("--offering", parsed.GetValue(_offering) is { Length: > 0 } given ? given : [.. catalog.Offerings.Keys.Order()]);
        foreach (var offering in offerings.Keys.Where(o => !catalog.Offerings.ContainsKey(o)))
            throw new FormatException($"--offering {offering}: there is no such offering. There are {string.Join(", ", catalog.Offerings.Keys.Order())}.");

        var load = new Workload { Devices = parsed.GetValue(_devices), IntervalSeconds = parsed.GetValue(_interval), Offerings = offerings };
        return load with
        {
            Dp1Share = parsed.GetValue(_dp1Share) ?? load.Dp1Share,
            MessageBytes = parsed.GetValue(_messageBytes),
            ObservationsPerMessage = parsed.GetValue(_observations),
            EventShare = parsed.GetValue(_eventShare) ?? load.EventShare,
            CommandsPerDeviceAndDay = parsed.GetValue(_commands) ?? load.CommandsPerDeviceAndDay,
            Partners = parsed.GetValue(_partners) ?? load.Partners,
            RetentionDays = parsed.GetValue(_retention) ?? load.RetentionDays,
            ArchiveCoolAfterDays = parsed.GetValue(_archive) is [var cool, _, _] ? cool : load.ArchiveCoolAfterDays,
            ArchiveColdAfterDays = parsed.GetValue(_archive) is [_, var cold, _] ? cold : load.ArchiveColdAfterDays,
            ArchiveDeleteAfterDays = parsed.GetValue(_archive) is [_, _, var delete] ? delete : load.ArchiveDeleteAfterDays,
            PeakFactor = parsed.GetValue(_peak) ?? load.PeakFactor,
            ZoneRedundant = parsed.GetValue(_zoneRedundant),
            Burstable = parsed.GetValue(_burstable),
        };
    }

    // "name" or "name=number".
    private static Dictionary<string, double> Weights(string option, IEnumerable<string> given)
    {
        var weights = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var item in given)
        {
            var parts = item.Split('=');
            var weight = 1.0;
            if (parts.Length > 2 || (parts.Length == 2 && !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out weight)))
                throw new FormatException($"{option} {item}: it is a name, =, and a number.");
            if (option == "--price" && !(parts.Length == 2 && weight >= 0 && double.IsFinite(weight)))
                throw new FormatException($"{option} {item}: it is a name, =, and a price of 0 or more.");
            if (!weights.TryAdd(parts[0], weight))
                throw new FormatException($"{option} {parts[0]} is there more than once.");
        }

        return weights;
    }

    // The cheapest tier depends on them.
    private string PricesOf(ParseResult parsed) => string.Concat(
        (parsed.GetValue(_price) ?? []).Select(p => " --price " + p).Prepend(parsed.GetValue(_prices) is var list && list != DefaultPrices ? " --prices " + list : ""));

    private int Write(IAnsiConsole console, CapacityPlan plan, string options, FileInfo file, bool quiet)
    {
        if (!file.Exists)
            throw new FormatException($"--write {file}: there is no such file. Copy that of the nearest region first.");
        if (!plan.FitsOneRegion)
            throw new FormatException(
                $"--write {file.Name}: one region does not carry this: {string.Join(", ", plan.Exceeded.Select(l => l.Name))}. "
                + $"Plan regions of at most {plan.DevicesPerRegion.ToString("#,0", CultureInfo.InvariantCulture)} devices each, or what the table says to do.");

        var routes = CatalogLoader.Load(_catalog).Routes;
        var before = File.ReadAllText(file.FullName);
        var region = new RegionFile(before);
        var notes = region.Put(plan, options, (routes.RawHubs[0].Partitions, routes.FeedHubs[0].Partitions));
        if (region.Text != before)
            File.WriteAllText(file.FullName, region.Text);
        if (quiet)
            return 0;

        var output = console.Profile.Out.Writer;
        output.WriteLine(region.Text == before ? $"{file.Name} says that already." : $"{file.Name}:");
        foreach (var line in RegionFile.Difference(before, region.Text))
            output.WriteLine(line);
        foreach (var note in notes)
            output.WriteLine(note);
        return 0;
    }

    /// <summary>A workload as options, without those that have their defaults: how a region's file states its size.</summary>
    private static string OptionsOf(Workload load)
    {
        var usual = new Workload { Devices = load.Devices, IntervalSeconds = load.IntervalSeconds, Offerings = load.Offerings };
        var options = new List<string> { Format("--devices", load.Devices), Format("--interval", load.IntervalSeconds) };
        foreach (var (offering, weight) in load.Offerings.OrderBy(o => o.Key, StringComparer.Ordinal))
            options.Add(weight == 1 ? $"--offering {offering}" : string.Create(CultureInfo.InvariantCulture, $"--offering {offering}={weight}"));
        Add("--dp1-share", load.Dp1Share, usual.Dp1Share);
        Add("--message-bytes", load.MessageBytes, null);
        Add("--observations", load.ObservationsPerMessage, null);
        Add("--event-share", load.EventShare, usual.EventShare);
        Add("--commands", load.CommandsPerDeviceAndDay, usual.CommandsPerDeviceAndDay);
        Add("--partners", load.Partners, usual.Partners);
        Add("--retention", load.RetentionDays, usual.RetentionDays);
        var archive = (load.ArchiveCoolAfterDays, load.ArchiveColdAfterDays, load.ArchiveDeleteAfterDays);
        if (archive != (usual.ArchiveCoolAfterDays, usual.ArchiveColdAfterDays, usual.ArchiveDeleteAfterDays))
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--archive {archive.ArchiveCoolAfterDays} {archive.ArchiveColdAfterDays} {archive.ArchiveDeleteAfterDays}"));
        Add("--peak", load.PeakFactor, usual.PeakFactor);
        if (load.ZoneRedundant)
            options.Add("--zone-redundant");
        if (load.Burstable)
            options.Add("--burstable");
        return string.Join(' ', options);

        void Add(string name, double? value, double? otherwise)
        {
            if (value is { } given && given != otherwise)
                options.Add(Format(name, given));
        }

        static string Format(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value}");
    }
}
