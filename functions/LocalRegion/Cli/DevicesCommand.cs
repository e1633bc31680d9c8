using System.CommandLine;
using System.Globalization;
using Pumps.Core.Devices;
using Pumps.Handlers.Portal;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices</c>: what the maker's staff does with devices, sites and customers of the running region.</summary>
public static class DevicesCommand
{
    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var devices = new Command("devices", "Devices, sites, customers, orders, commands and schedules of the running region.")
        {
            List(console), Show(console), Place(console), Sites(console), AddSite(console), Customers(console), GiveCommand.Create(console), ScheduleCommand.Create(console),
            EnrollmentKeyCommand.Create(console),
        };
        DeviceOrders.AddTo(devices, console, time);
        return devices;
    }

    private static Command List(IAnsiConsole console)
    {
        var offering = new Option<string?>("--offering") { Description = "Only devices of this offering." };
        var customer = new Option<string?>("--customer") { Description = "Only devices of this customer." };
        var site = new Option<string?>("--site") { Description = "Only devices at this site." };
        var tag = new Option<string?>("--tag") { Description = "Only devices with this tag." };
        var status = new Option<string?>("--status") { Description = "Only devices in this state of their life." };
        status.AcceptOnlyFromAmong([.. DeviceStatuses.Names]);
        var command = new Command("list", "List devices, in the order of their ids.") { offering, customer, site, tag, status };
        return Paged<DeviceView>(
            console, command, "api/devices",
            parsed => [("offering", parsed.GetValue(offering)), ("customer", parsed.GetValue(customer)), ("site", parsed.GetValue(site)), ("tag", parsed.GetValue(tag)), ("status", parsed.GetValue(status))],
            ["device", "product", "customer", "site", "tags", "status", "connection", "last seen"],
            d => [d.Id, d.Product, d.Customer, d.Site ?? "", string.Join(' ', d.Tags), d.Status, Connection(d), Time(d.LastSeenAt)]);
    }

    private static Command Place(IAnsiConsole console)
    {
        var id = new Argument<string>("id") { Description = "The device's id." };
        var site = new Option<string?>("--site") { Description = "A site of its customer; an empty text for none." };
        var tags = new Option<string[]?>("--tag") { Description = "A word for it; several by several. They replace those it had." };
        var call = new RegionCall();
        var command = call.On(new("place", "Say where a device stands, and tag it. What is not given stays as it is.") { id, site, tags });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var given = parsed.GetResult(tags) is null ? null : parsed.GetValue(tags);
            var text = await RegionCall.SendAsync(
                http, HttpMethod.Patch, "api/devices/" + Uri.EscapeDataString(parsed.GetValue(id)!), JsonContent.Create(new DevicePatchBody(parsed.GetValue(site), given)), cancel);
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<DeviceView>(text), []));
            return 0;
        }, cancel));
        return command;
    }

    private static Command AddSite(IAnsiConsole console)
    {
        var (id, customer) = (new Argument<string>("site") { Description = "Its id." }, new Argument<string>("customer") { Description = "Whose it is." });
        var zone = new Argument<string>("time-zone") { Description = "IANA name, such as Europe/Berlin: schedules run by it." };
        var name = new Option<string?>("--name") { Description = "What people call it. Default: its id." };
        var (latitude, longitude) = (new Option<double?>("--latitude"), new Option<double?>("--longitude"));
        var call = new RegionCall();
        var command = call.On(new("add-site", "Make a site, or change one.") { id, customer, zone, name, latitude, longitude });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var site = parsed.GetValue(id)!;
            var body = new SiteBody(parsed.GetValue(customer)!, parsed.GetValue(name) ?? site, parsed.GetValue(zone)!, parsed.GetValue(latitude), parsed.GetValue(longitude));
            var text = await RegionCall.SendAsync(http, HttpMethod.Put, "api/sites/" + Uri.EscapeDataString(site), JsonContent.Create(body), cancel);
            call.Print(parsed, console, text, () => Print(console, [RegionCall.Read<SiteView>(text)]));
            return 0;
        }, cancel));
        return command;
    }

    private static readonly string[] SiteColumns = ["site", "customer", "name", "time zone", "latitude", "longitude"];

    private static string[] Cells(SiteView site) => [site.Id, site.Customer, site.Name, site.TimeZone, Degrees(site.Latitude), Degrees(site.Longitude)];

    private static void Print(IAnsiConsole console, IEnumerable<SiteView> sites) => TextTable.Write(console, SiteColumns, sites.Select(Cells));

    private static Command Sites(IAnsiConsole console)
    {
        var customer = new Option<string?>("--customer") { Description = "Only sites of this customer." };
        return Paged<SiteView>(
            console, new Command("sites", "List sites, in the order of their ids.") { customer }, "api/sites", parsed => [("customer", parsed.GetValue(customer))],
            SiteColumns, Cells);
    }

    private static Command Customers(IAnsiConsole console) => Paged<CustomerView>(
        console, new Command("customers", "List customers, in the order of their ids."), "api/customers", _ => [],
        ["customer", "name", "since"], c => [c.Id, c.Name, Time(c.CreatedAt)]);

    private static Command Show(IAnsiConsole console)
    {
        var id = new Argument<string>("id") { Description = "The device's id, such as dp1-4711001." };
        var call = new RegionCall();
        var command = call.On(new("show", "Show one device with its owners and newest values.") { id });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var path = "api/devices/" + Uri.EscapeDataString(parsed.GetValue(id)!);
            var text = await RegionCall.GetTextAsync(http, path, cancel);
            var owners = RegionCall.Read<List<OwnershipView>>(await RegionCall.GetTextAsync(http, path + "/owners", cancel));
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<DeviceView>(text), owners));
            return 0;
        }, cancel));
        return command;
    }

    /// <summary>A command that lists, page by page.</summary>
    private static Command Paged<T>(
        IAnsiConsole console, Command command, string path, Func<ParseResult, (string Name, string? Value)[]> filters, string[] columns, Func<T, string[]> cells)
    {
        var limit = new Option<int>("--limit") { Description = "How many to list at most, 1 to 1000.", DefaultValueFactory = _ => 100 };
        var cursor = new Option<string?>("--after") { Description = "Go on after this id." };
        command.Add(limit);
        command.Add(cursor);
        var call = new RegionCall();
        call.On(command);
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            (string Name, string? Value)[] query =
                [.. filters(parsed), ("cursor", parsed.GetValue(cursor)), ("limit", parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture))];
            var given = string.Join('&', query.Where(q => q.Value is not null).Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value!)}"));
            var text = await RegionCall.GetTextAsync(http, $"{path}?{given}", cancel);
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<PageView<T>>(text), columns, cells));
            return 0;
        }, cancel));
        return command;
    }

    private static void Print<T>(IAnsiConsole console, PageView<T> page, string[] columns, Func<T, string[]> cells)
    {
        TextTable.Write(console, columns, page.Items.Select(cells));
        if (page.Next is { } next)
            console.MarkupLineInterpolated($"There are more: --after {next}");
    }

    private static void Print(IAnsiConsole console, DeviceView device, List<OwnershipView> owners)
    {
        foreach (var (name, value) in new[]
        {
            ("device", device.Id), ("product", $"{device.Product} ({device.Offering}, {device.Protocol})"), ("customer", device.Customer),
            ("site", device.Site), ("tags", string.Join(' ', device.Tags)), ("status", device.Status), ("model", device.Model), ("firmware", device.Firmware),
            ("connection", Connection(device)), ("last seen", Time(device.LastSeenAt)), ("retired", Time(device.RetiredAt)),
        })
            if (!string.IsNullOrEmpty(value))
                console.Profile.Out.Writer.WriteLine($"{name,-12} {value}");
        foreach (var owner in owners)
            console.Profile.Out.Writer.WriteLine($"{"owner",-12} {owner.Customer}, {Time(owner.From)} to {(owner.To is null ? "now" : Time(owner.To))}");

        var table = new Table().Border(TableBorder.Simple).AddColumn("point").AddColumn(new TableColumn("value").RightAligned())
            .AddColumn("unit").AddColumn("quality").AddColumn("observed");
        foreach (var (name, point) in (device.Latest ?? new Dictionary<string, LatestView>()).OrderBy(p => p.Key, StringComparer.Ordinal))
            table.AddRow(new Text(name), new Text(point.Value?.Text ?? ""), new Text(point.Unit ?? ""), new Text(point.Quality), new Text(Time(point.ObservedAt)));
        if (table.Rows.Count > 0)
            console.Write(table);
    }

    private static string Connection(DeviceView device) => device.Connection is { } c ? $"{c.State} since {Time(c.Since)}" : "never connected";

    private static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static string Degrees(double? value) => value?.ToString("0.#####", CultureInfo.InvariantCulture) ?? "";
}
