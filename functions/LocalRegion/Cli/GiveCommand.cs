using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Portal;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices command</c>: gives commands to devices of the running region, lists them, and takes them back.</summary>
internal static class GiveCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private static readonly Argument<string> Device = new("device") { Description = "Id of the device." };

    public static Command Create(IAnsiConsole console) =>
        new("command", "Give commands to devices, and see what became of them.") { Send(console), SendAll(console), Receipt(console), List(console), Audit(console), Refused(console), Cancel(console) };

    private static Command Send(IAnsiConsole console)
    {
        var wait = new Option<bool>("--wait") { Description = "Wait until it has ended. Exit code 1 when it was not done." };
        var (order, call) = (new OrderWords(), new RegionCall());
        var command = order.On(call.On(new("send", "Give a command to a device.") { Device, wait }));
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            if (!order.TryRead(parsed, console, out var body))
                return 1;
            var place = PlaceOf(parsed);
            var text = await RegionCall.SendAsync(http, HttpMethod.Post, place, JsonContent.Create(body), cancel, parsed.GetValue(order.Id));
            var given = RegionCall.Read<CommandView>(text);
            while (parsed.GetValue(wait) && given.EndedAt is null)
            {
                await Task.Delay(Look, cancel);
                text = await RegionCall.GetTextAsync(http, $"{place}/{given.Id}", cancel);
                given = RegionCall.Read<CommandView>(text);
            }

            call.Print(parsed, console, text, () => Print(console, [given]));
            return !parsed.GetValue(wait) || given.State == "done" ? 0 : 1;
        }, cancel));
        return command;
    }

    private static Command SendAll(IAnsiConsole console)
    {
        var site = new Option<string?>("--site") { Description = "All devices at this site." };
        var tag = new Option<string?>("--tag") { Description = "Of these only the ones with this tag." };
        var customer = new Option<string?>("--customer") { Description = "All devices of this customer." };
        var (order, call) = (new OrderWords(), new RegionCall());
        var command = order.On(call.On(new("send-all", "Give a command to the devices of a site or a customer, with a receipt for each.") { site, tag, customer }));
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            if (!order.TryRead(parsed, console, out var body))
                return 1;
            (body["site"], body["tag"], body["customer"]) = (parsed.GetValue(site), parsed.GetValue(tag), parsed.GetValue(customer));
            var text = await RegionCall.SendAsync(http, HttpMethod.Post, "api/command-groups", JsonContent.Create(body), cancel, parsed.GetValue(order.Id));
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<GroupReceipt>(text)));
            return 0;
        }, cancel));
        return command;
    }

    private static Command Receipt(IAnsiConsole console)
    {
        var group = new Argument<string>("group") { Description = "Id of the group, as send-all shows it." };
        var after = new Option<string?>("--after") { Description = "Go on after this device." };
        var call = new RegionCall();
        var command = call.On(new("receipt", "Show what became of a command that was given to many devices.") { group, after });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var cursor = parsed.GetValue(after) is { } given ? "&cursor=" + Uri.EscapeDataString(given) : "";
            var text = await RegionCall.GetTextAsync(http, $"api/command-groups/{Uri.EscapeDataString(parsed.GetValue(group)!)}?limit=200{cursor}", cancel);
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<GroupReceipt>(text)));
            return 0;
        }, cancel));
        return command;
    }

    private static Command List(IAnsiConsole console) => OnDevice(
        console, new("list", "Show the newest commands of a device.") { Device }, HttpMethod.Get, PlaceOf,
        text => Print(console, RegionCall.Read<PageView<CommandView>>(text).Items));

    private static Command Audit(IAnsiConsole console) => OnDevice(
        console, new("audit", "Show who asked what of a device, from where, and what came of it; also what was refused.") { Device }, HttpMethod.Get,
        parsed => $"api/devices/{Uri.EscapeDataString(parsed.GetValue(Device)!)}/command-audit",
        text => TextTable.Write(console, ["given at", "id", "command", "arguments", "by", "from", "result", "reason"], RegionCall.Read<PageView<AuditLine>>(text).Items.Select(
            a => new[] { Time(a.At), a.Id, a.Command, Words(a.Arguments), a.RequestedBy, a.Origin, a.Result, a.Errors is [var first, ..] ? $"{first.Rule}: {first.Allowed}" : a.Reason ?? "" })));

    private static Command Refused(IAnsiConsole console)
    {
        var call = new RegionCall();
        var command = call.On(new("refused", "Show the newest requests that came to no device: unknown devices, groups refused as a whole, missing roles."));
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var text = await RegionCall.GetTextAsync(http, "api/request-audit", cancel);
            call.Print(parsed, console, text, () => TextTable.Write(
                console, ["at", "by", "from", "request", "for", "command", "reason"], RegionCall.Read<PageView<RefusedRequest>>(text).Items.Select(
                    r => new[] { Time(r.At), r.RequestedBy, r.Origin, r.Action, r.Target, r.Command, $"{r.Rule}: {r.Detail}" })));
            return 0;
        }, cancel));
        return command;
    }

    private static Command Cancel(IAnsiConsole console)
    {
        var id = new Argument<string>("id") { Description = "Id of the command." };
        return OnDevice(
            console, new("cancel", "Take a command back that has not been sent.") { Device, id }, HttpMethod.Post,
            parsed => $"{PlaceOf(parsed)}/{Uri.EscapeDataString(parsed.GetValue(id)!)}/cancel", text => Print(console, [RegionCall.Read<CommandView>(text)]));
    }

    private static Command OnDevice(IAnsiConsole console, Command command, HttpMethod method, Func<ParseResult, string> place, Action<string> show)
    {
        var call = new RegionCall();
        call.On(command).SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var text = await RegionCall.SendAsync(http, method, place(parsed), null, cancel);
            call.Print(parsed, console, text, () => show(text));
            return 0;
        }, cancel));
        return command;
    }

    private static string PlaceOf(ParseResult parsed) => $"api/devices/{Uri.EscapeDataString(parsed.GetValue(Device)!)}/commands";

    private static void Print(IAnsiConsole console, GroupReceipt receipt)
    {
        console.Profile.Out.Writer.WriteLine($"{receipt.Id}: {receipt.Devices} devices, {receipt.Queued} queued, {receipt.Refused} refused");
        TextTable.Write(console, ["device", "state", "reason"], receipt.Items.Select(line => line.Command is { } command
            ? new[] { line.DeviceId, command.State, command.Reason ?? "" }
            : [line.DeviceId, "refused", line.Errors is [var first, ..] ? $"{first.Rule}: {first.Allowed}" : ""]));
        if (receipt.Next is { } next)
            console.Profile.Out.Writer.WriteLine($"There are more: pumps devices command receipt {receipt.Id} --after {next}");
    }

    private static void Print(IAnsiConsole console, IReadOnlyList<CommandView> commands) => TextTable.Write(
        console, ["id", "command", "arguments", "state", "reason", "by", "from", "given at", "ended at"], commands.Select(c => new[]
        {
            c.Id, c.Command, Words(c.Arguments), c.Late ? c.State + " (late)" : c.State, c.Reason ?? c.Answer?.Detail ?? "", c.RequestedBy, c.Origin,
            Time(c.CreatedAt), Time(c.EndedAt),
        }));

    private static string Words(IReadOnlyDictionary<string, System.Text.Json.JsonElement> arguments) => string.Join(' ', arguments.Select(a => $"{a.Key}={a.Value}"));

    private static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    /// <summary>The words that say what is to be done, for one device or for many.</summary>
    private sealed class OrderWords
    {
        private readonly Argument<string> _name = new("command") { Description = "What /api/catalog lists for the device's product: start, set_pressure, ..." };
        private readonly Argument<string[]> _arguments = new("arguments") { Description = "name=value: setpoint_pressure=4.25", Arity = ArgumentArity.ZeroOrMore };
        private readonly Option<bool> _confirm = new("--confirm") { Description = "The command is dangerous, and you mean it." };
        private readonly Option<double?> _life = new("--time-to-live") { Description = "Seconds that it may wait for the device." };

        public Option<string?> Id { get; } = new("--id") { Description = "Its id; giving it twice with the same id gives it once." };

        public Command On(Command command)
        {
            command.Add(_name);
            command.Add(_arguments);
            command.Add(_confirm);
            command.Add(_life);
            command.Add(Id);
            return command;
        }

        public bool TryRead(ParseResult parsed, IAnsiConsole console, out JsonObject body)
        {
            var arguments = new JsonObject();
            body = new()
            {
                ["command"] = parsed.GetValue(_name), ["arguments"] = arguments, ["confirm"] = parsed.GetValue(_confirm), ["timeToLiveSeconds"] = parsed.GetValue(_life),
            };
            foreach (var argument in parsed.GetValue(_arguments)!)
            {
                if (argument.Split('=', 2) is not [var name, var value])
                {
                    console.MarkupLineInterpolated($"[red]\"{argument}\" is not name=value.[/]");
                    return false;
                }

                // Numbers, true and false are what they look like; everything else is a name.
                arguments[name] = value is "true" or "false" ? value == "true"
                    : decimal.TryParse(value, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) ? number
                    : value;
            }

            return true;
        }
    }
}
