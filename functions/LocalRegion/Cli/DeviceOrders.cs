using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary>The part of <c>pumps devices</c> that orders something: provisioning, bulk orders, claims, and what becomes of devices later.</summary>
internal static class DeviceOrders
{
    // What fits on a screen; --json and the API have all of them.
    private const int LinesShown = 20;

    // Members of the answers, and the heads of the columns.
    private static readonly string[] OrderColumns = ["id", "kind", "device", "product", "customer", "phase", "step", "reason"];
    private static readonly string[] LineColumns = ["line", "device", "reason", "detail"];

    public static void AddTo(Command devices, IAnsiConsole console, TimeProvider time)
    {
        devices.Add(Order(console, time));
        devices.Add(Change(console, time));
        devices.Add(Plain("suspend", "suspend", "A device may no longer connect; everything else stays.", console, time));
        devices.Add(Plain("resume", "resume", "A suspended device may connect again.", console, time));
        devices.Add(Plain("retire", "retire", "A device leaves for good: its identity and keys go, its history stays until the retention of its offering.", console, time));
        devices.Add(Plain("rotate-keys", "rotate_keys",
            "Replaces both keys: the secondary at once, the primary after \"pumps devices confirm\" says that the device uses its secondary.", console, time));
        devices.Add(OnOrder("confirm", "The device of this rotation uses its secondary key: its primary may be replaced.", console));
        devices.Add(OnOrder("cancel", "Takes an order back; what it has done is undone.", console));
        devices.Add(Orders(console));
        devices.Add(Bulk(console, time));
        devices.Add(Claim(console));
        devices.Add(ClaimCode(console));
    }

    private static Command Order(IAnsiConsole console, TimeProvider time)
    {
        var (device, product, customer) = (DeviceArgument(), new Argument<string>("product"), new Argument<string>("customer"));
        var (offset, id) = (OffsetOption(), IdOption());
        var site = new Option<string?>("--site") { Description = "Where it will stand: a site of the customer." };
        var api = new RegionCall();
        var command = api.On(new("order", "Orders a device: identity, tags, register; active with its first hello.") { device, product, customer, offset, site, id });
        command.SetAction((parsed, cancel) => PlaceAsync(api, parsed, console, time, parsed.GetValue(id), new
        {
            device = parsed.GetValue(device),
            kind = "provision",
            product = parsed.GetValue(product),
            customer = parsed.GetValue(customer),
            utcOffsetMinutes = parsed.GetValue(offset),
            site = parsed.GetValue(site),
        }, "order", parsed.GetValue(device)!, cancel));
        return command;
    }

    private static Command Change(IAnsiConsole console, TimeProvider time)
    {
        var (device, offset, id) = (DeviceArgument(), OffsetOption(), IdOption());
        var product = new Option<string?>("--product") { Description = "The new product; its offering comes with it." };
        var customer = new Option<string?>("--customer") { Description = "The new owner." };
        var site = new Option<string?>("--site") { Description = "Where it will stand: a site of its customer." };
        var api = new RegionCall();
        var command = api.On(new("change", "Changes product, owner, offset or site of a device; its history stays.") { device, product, customer, offset, site, id });
        command.Validators.Add(given =>
        {
            if (new Option[] { product, customer, offset, site }.All(o => given.GetResult(o) is null))
                given.AddError("Nothing is to change: give --product, --customer, --utc-offset or --site.");
        });
        command.SetAction((parsed, cancel) => PlaceAsync(api, parsed, console, time, parsed.GetValue(id), new
        {
            device = parsed.GetValue(device),
            kind = "change",
            product = parsed.GetValue(product),
            customer = parsed.GetValue(customer),
            utcOffsetMinutes = parsed.GetValue(offset),
            site = parsed.GetValue(site),
        }, "change", parsed.GetValue(device)!, cancel));
        return command;
    }

    private static Command Plain(string name, string kind, string description, IAnsiConsole console, TimeProvider time)
    {
        var (device, id) = (DeviceArgument(), IdOption());
        var api = new RegionCall();
        var command = api.On(new(name, description) { device, id });
        command.SetAction((parsed, cancel) => PlaceAsync(
            api, parsed, console, time, parsed.GetValue(id), new { device = parsed.GetValue(device), kind }, name, parsed.GetValue(device)!, cancel));
        return command;
    }

    private static Command OnOrder(string name, string description, IAnsiConsole console)
    {
        var order = new Argument<string>("order");
        var api = new RegionCall();
        var command = api.On(new(name, description) { order });
        command.SetAction((parsed, cancel) => api.CallAsync(
            parsed, console, HttpMethod.Post, $"api/orders/{Uri.EscapeDataString(parsed.GetValue(order)!)}/{name}", null, answer => ShowOrders(console, [answer]), cancel));
        return command;
    }

    private static Command Orders(IAnsiConsole console)
    {
        var device = new Option<string?>("--device") { Description = "Only orders of this device." };
        var phase = new Option<string?>("--phase") { Description = "Only orders in this phase." };
        var api = new RegionCall();
        var command = api.On(new("orders", "Orders, newest first.") { device, phase });
        command.SetAction((parsed, cancel) =>
        {
            var query = string.Join('&', new[] { ("device", parsed.GetValue(device)), ("phase", parsed.GetValue(phase)) }
                .Where(q => q.Item2 is not null).Select(q => $"{q.Item1}={Uri.EscapeDataString(q.Item2!)}"));
            return api.CallAsync(parsed, console, HttpMethod.Get, $"api/orders?{query}", null, answer => ShowOrders(console, answer.GetProperty("items").EnumerateArray()), cancel);
        });
        return command;
    }

    private static Command Bulk(IAnsiConsole console, TimeProvider time)
    {
        var file = new Argument<FileInfo>("file") { Description = "CSV with the columns device, product, customer and, where wanted, utc_offset_minutes (for DP1 devices), site and claim_code (for devices of the stock)." };
        var id = new Option<string?>("--id") { Description = "Id of the bulk order. The same id and file again goes on where it stopped. Default: the file's name." };
        var api = new RegionCall(RegionCall.Upload);
        var command = api.On(new("bulk", "Orders the devices of a file, with a receipt for every line.") { file, id });
        command.SetAction(async (parsed, cancel) =>
        {
            var from = parsed.GetValue(file)!;
            if (!from.Exists)
            {
                console.MarkupLineInterpolated($"[red]There is no file {from.FullName}.[/]");
                return 1;
            }

            var bulk = Uri.EscapeDataString(parsed.GetValue(id) ?? Path.GetFileNameWithoutExtension(from.Name));
            await using var stream = from.OpenRead();
            using var body = new StreamContent(stream) { Headers = { ContentType = new MediaTypeHeaderValue("text/csv") } };
            var code = await api.CallAsync(parsed, console, HttpMethod.Put, $"api/bulk-orders/{bulk}", body, answer => console.WriteLine(
                $"{Text(answer, "lines")} lines: {Text(answer, "accepted")} accepted, {Text(answer, "duplicate")} duplicate, {Text(answer, "refused")} refused"), cancel);
            return code != 0 ? code : await api.CallAsync(
                parsed, console, HttpMethod.Get, $"api/bulk-orders/{bulk}/lines?outcome=refused&limit={LinesShown}", null, answer => ShowLines(console, answer), cancel);
        });
        return command;
    }

    private static Command Claim(IAnsiConsole console)
    {
        var (device, code, customer) = (DeviceArgument(), new Argument<string>("code"), new Argument<string>("customer"));
        var api = new RegionCall();
        var command = api.On(new("claim", "An owner claims a device of the stock with the code of its label.") { device, code, customer });
        command.SetAction((parsed, cancel) => api.CallAsync(parsed, console, HttpMethod.Post, "api/claims",
            JsonContent.Create(new { device = parsed.GetValue(device), code = parsed.GetValue(code), customer = parsed.GetValue(customer) }),
            answer => ShowOrders(console, [answer]), cancel));
        return command;
    }

    private static Command ClaimCode(IAnsiConsole console)
    {
        var device = DeviceArgument();
        var api = new RegionCall();
        var command = api.On(new("claim-code", "Makes the code of a device's label. It is shown once; the one before is worth nothing from now on.") { device });
        command.SetAction((parsed, cancel) => api.CallAsync(
            parsed, console, HttpMethod.Post, $"api/devices/{Uri.EscapeDataString(parsed.GetValue(device)!)}/claim-code", null,
            answer => console.WriteLine(Text(answer, "code")), cancel));
        return command;
    }

    private static Task<int> PlaceAsync(
        RegionCall api, ParseResult parsed, IAnsiConsole console, TimeProvider time, string? id, object order, string name, string device, CancellationToken cancel)
    {
        id ??= string.Create(CultureInfo.InvariantCulture, $"{name}-{device}-{time.GetUtcNow():yyyyMMddHHmmss}");
        return api.CallAsync(
            parsed, console, HttpMethod.Put, $"api/orders/{Uri.EscapeDataString(id)}", JsonContent.Create(order), answer => ShowOrders(console, [answer]), cancel);
    }

    private static void ShowOrders(IAnsiConsole console, IEnumerable<JsonElement> orders) => Show(console, OrderColumns, orders);

    private static void ShowLines(IAnsiConsole console, JsonElement page)
    {
        if (page.GetProperty("items").GetArrayLength() == 0)
            return;

        Show(console, LineColumns, page.GetProperty("items").EnumerateArray());
        if (page.GetProperty("next").ValueKind is not JsonValueKind.Null)
            console.WriteLine("More lines were refused; /api/bulk-orders/<id>/lines has all of them.");
    }

    private static void Show(IAnsiConsole console, string[] columns, IEnumerable<JsonElement> rows) =>
        TextTable.Write(console, columns, rows.Select(row => columns.Select(name => Text(row, name))));

    private static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value.ToString() : "";

    private static Argument<string> DeviceArgument() => new("device") { Description = "dp1-<serial number> or dp2-<EUI-64 hex>." };

    private static Option<string?> IdOption() => new("--id") { Description = "Id of the order: the same id again is the same order. Default: made from device and time." };

    private static Option<int?> OffsetOption() => new("--utc-offset") { Description = "DP1 only: minutes that the site's civil time is ahead of UTC." };
}
