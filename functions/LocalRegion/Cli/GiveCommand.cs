using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Portal;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices command</c>: gives commands to devices of the running region, lists them, and takes them back.</summary>
internal static class GiveCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public static Command Create(IAnsiConsole console)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = "Data folder of the region.", DefaultValueFactory = _ => new(".local"), Recursive = true };
        var device = new Argument<string>("device") { Description = "Id of the device." };

        var name = new Argument<string>("command") { Description = "What /api/catalog lists for the device's product: start, set_pressure, ..." };
        var arguments = new Argument<string[]>("arguments") { Description = "name=value: setpoint_pressure=4.25", Arity = ArgumentArity.ZeroOrMore };
        var confirm = new Option<bool>("--confirm") { Description = "The command is dangerous, and you mean it." };
        var wait = new Option<bool>("--wait") { Description = "Wait until it has ended. Exit code 1 when it was not done." };
        var life = new Option<double?>("--time-to-live") { Description = "Seconds that it may wait for the device." };
        var id = new Option<string?>("--id") { Description = "Its id; giving it twice with the same id gives it once." };
        var send = new Command("send", "Give a command to a device.") { device, name, arguments, confirm, wait, life, id };
        send.SetAction((parsed, cancel) => CallAsync(console, parsed.GetValue(data)!, async http =>
        {
            var body = new JsonObject
            {
                ["command"] = parsed.GetValue(name), ["arguments"] = Arguments(parsed.GetValue(arguments)!), ["confirm"] = parsed.GetValue(confirm),
                ["timeToLiveSeconds"] = parsed.GetValue(life),
            };
            var place = $"api/devices/{Uri.EscapeDataString(parsed.GetValue(device)!)}/commands";
            using var request = new HttpRequestMessage(HttpMethod.Post, place) { Content = JsonContent.Create(body) };
            if (parsed.GetValue(id) is { } key)
                request.Headers.Add("Idempotency-Key", key);
            using var answer = await http.SendAsync(request, cancel);
            var command = await ReadAsync<CommandView>(answer, cancel);
            while (parsed.GetValue(wait) && command.EndedAt is null)
            {
                await Task.Delay(Look, cancel);
                using var again = await http.GetAsync(new Uri($"{place}/{command.Id}", UriKind.Relative), cancel);
                command = await ReadAsync<CommandView>(again, cancel);
            }

            Print(console, [command]);
            return !parsed.GetValue(wait) || command.State == "done" ? 0 : 1;
        }, cancel));

        var list = new Command("list", "Show the newest commands of a device.") { device };
        list.SetAction((parsed, cancel) => CallAsync(console, parsed.GetValue(data)!, async http =>
        {
            using var answer = await http.GetAsync(new Uri($"api/devices/{Uri.EscapeDataString(parsed.GetValue(device)!)}/commands", UriKind.Relative), cancel);
            Print(console, (await ReadAsync<PageView<CommandView>>(answer, cancel)).Items);
            return 0;
        }, cancel));

        var which = new Argument<string>("id") { Description = "Id of the command." };
        var back = new Command("cancel", "Take a command back that has not been sent.") { device, which };
        back.SetAction((parsed, cancel) => CallAsync(console, parsed.GetValue(data)!, async http =>
        {
            using var answer = await http.PostAsync(
                new Uri($"api/devices/{Uri.EscapeDataString(parsed.GetValue(device)!)}/commands/{Uri.EscapeDataString(parsed.GetValue(which)!)}/cancel", UriKind.Relative),
                content: null, cancel);
            Print(console, [await ReadAsync<CommandView>(answer, cancel)]);
            return 0;
        }, cancel));

        return new Command("command", "Give commands to devices, and see what became of them.") { send, list, back, data };
    }

    /// <summary>Numbers, true and false are what they look like; everything else is a name.</summary>
    private static JsonObject Arguments(string[] given)
    {
        var arguments = new JsonObject();
        foreach (var argument in given)
        {
            var (name, value) = argument.Split('=', 2) is [var n, var v] ? (n, v) : throw new FormatException($"\"{argument}\" is not name=value.");
            arguments[name] = value is "true" or "false" ? value == "true"
                : decimal.TryParse(value, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) ? number
                : value;
        }

        return arguments;
    }

    private static async Task<int> CallAsync(IAnsiConsole console, DirectoryInfo data, Func<HttpClient, Task<int>> call, CancellationToken cancel)
    {
        try
        {
            if (await RunningRegion.FindAsync(data, cancel) is not { } url)
                return Fail(console, $"No region runs on {data.FullName}. Start one with \"pumps up\".");
            using var http = new HttpClient { BaseAddress = url };
            return await call(http);
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException or FormatException)
        {
            return Fail(console, fault.Message);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, CancellationToken cancel)
    {
        if (answer.IsSuccessStatusCode)
            return (await answer.Content.ReadFromJsonAsync<T>(cancel))!;
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(cancel);
        throw new FormatException(problem.TryGetProperty("detail", out var detail) ? detail.ToString() : $"The region answers {(int)answer.StatusCode}.");
    }

    private static void Print(IAnsiConsole console, IReadOnlyList<CommandView> commands)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in new[] { "id", "command", "arguments", "state", "reason", "by", "from", "given at", "ended at" })
            table.AddColumn(column);
        foreach (var c in commands)
            // Names come from people and devices: text, never markup.
            table.AddRow(new[]
            {
                c.Id, c.Command, string.Join(' ', c.Arguments.Select(a => $"{a.Key}={a.Value}")), c.Late ? c.State + " (late)" : c.State,
                c.Reason ?? c.Answer?.Detail ?? "", c.RequestedBy, c.Origin, Time(c.CreatedAt), Time(c.EndedAt),
            }.Select(cell => new Text(cell)).ToArray());
        console.Write(table);
    }

    private static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static int Fail(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
