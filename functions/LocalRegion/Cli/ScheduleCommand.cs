using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices schedule</c>: makes schedules, looks at their runs, pauses them.</summary>
internal static class ScheduleCommand
{
    private static readonly Option<string?> Device = new("--device") { Description = "The device." };
    private static readonly Option<string?> Site = new("--site") { Description = "The site, with all its devices." };

    public static Command Create(IAnsiConsole console) => new("schedule", "See to schedules: commands at civil times of a site.")
    {
        List(console),
        Add(console),
        OnSchedule("show", "Show a schedule with its plan.", console, HttpMethod.Get, "", answer => console.Profile.Out.Writer.WriteLine(Pretty(answer))),
        OnSchedule("next", "Show the next runs, in the site's time and in UTC.", console, HttpMethod.Get, "/next", answer =>
            Print(console, answer, ("time", r => Text(r, "time")), ("UTC", r => Text(r, "at")), ("clocks", r => Text(r, "clockChange")))),
        OnSchedule("runs", "Show runs whose time has come, newest first.", console, HttpMethod.Get, "/runs", answer =>
            Print(console, answer.GetProperty("items"),
                ("time", r => Text(r, "time")), ("verdict", r => Text(r, "verdict")), ("due", r => Text(r, "due")), ("submitted", r => Text(r, "submitted")),
                ("skipped", r => Text(r, "skipped")), ("refused", r => Text(r, "refused")), ("missed", r => Text(r, "missed")))),
        Pause(console),
        OnSchedule("resume", "Plan runs again, from now on.", console, HttpMethod.Post, "/resume", answer => PrintSchedules(console, [answer])),
        OnSchedule("remove", "Remove a schedule. A run that has begun still ends.", console, HttpMethod.Delete, "", _ => console.WriteLine("Removed")),
    };

    private static Command List(IAnsiConsole console)
    {
        var api = new RegionCall();
        var command = api.On(new("list", "Show schedules.") { Device, Site });
        command.SetAction((parsed, cancel) =>
        {
            var filter = string.Concat(
                new[] { ("device", parsed.GetValue(Device)), ("site", parsed.GetValue(Site)) }.Where(f => f.Item2 is not null)
                    .Select(f => $"&{f.Item1}={Uri.EscapeDataString(f.Item2!)}"));
            return api.CallAsync(parsed, console, HttpMethod.Get, "api/schedules?limit=1000" + filter, null,
                answer => PrintSchedules(console, answer.GetProperty("items").EnumerateArray()), cancel);
        });
        return command;
    }

    private static Command Add(IAnsiConsole console)
    {
        var api = new RegionCall();
        var plan = new Argument<FileInfo>("plan") { Description = "The plan as JSON: shared/Pumps.Handlers/Schedules/README.md shows one." };
        var anyway = new Option<bool>("--allow-overlap") { Description = "Also when its runs meet others on a device." };
        var dry = new Option<bool>("--preview") { Description = "Only show the next runs, and what is in the way." };
        var command = api.On(new("add", "Make a schedule for a device or a site.") { plan, Device, Site, anyway, dry });
        command.SetAction(async (parsed, cancel) =>
        {
            JsonElement given;
            try
            {
                given = JsonElement.Parse(await File.ReadAllTextAsync(parsed.GetValue(plan)!.FullName, cancel));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
            {
                console.MarkupLineInterpolated($"[red]{parsed.GetValue(plan)!.FullName}: {fault.Message}[/]");
                return 1;
            }

            using var body = JsonContent.Create(new
            {
                device = parsed.GetValue(Device),
                site = parsed.GetValue(Site),
                plan = given,
                allowOverlap = parsed.GetValue(anyway),
            });
            return parsed.GetValue(dry)
                ? await api.CallAsync(parsed, console, HttpMethod.Post, "api/schedules/preview", body, answer =>
                {
                    Print(console, answer.GetProperty("runs"), ("time", r => Text(r, "time")), ("UTC", r => Text(r, "at")), ("clocks", r => Text(r, "clockChange")));
                    if (answer.GetProperty("overlap").GetString() is { } overlap)
                        console.MarkupLineInterpolated($"[yellow]{overlap}[/]");
                }, cancel)
                : await api.CallAsync(parsed, console, HttpMethod.Post, "api/schedules", body, answer => PrintSchedules(console, [answer]), cancel);
        });
        return command;
    }

    private static Command Pause(IAnsiConsole console)
    {
        var api = new RegionCall();
        var id = new Argument<string>("id") { Description = "The schedule's id." };
        var until = new Option<DateTimeOffset?>("--until")
        {
            Description = "When it goes on by itself, such as 2026-03-01T00:00Z. Default: when it is resumed.",
            CustomParser = result =>
            {
                if (DateTimeOffset.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
                    return at;
                result.AddError($"--until is \"{result.Tokens[0].Value}\"; it must be an instant like 2026-03-01T00:00Z.");
                return null;
            },
        };
        var command = api.On(new("pause", "Begin no run. One that has begun still ends.") { id, until });
        command.SetAction(async (parsed, cancel) =>
        {
            using var body = JsonContent.Create(new { until = parsed.GetValue(until) });
            return await api.CallAsync(
                parsed, console, HttpMethod.Post, $"api/schedules/{Uri.EscapeDataString(parsed.GetValue(id)!)}/pause", body,
                answer => PrintSchedules(console, [answer]), cancel);
        });
        return command;
    }

    private static Command OnSchedule(
        string name, string description, IAnsiConsole console, HttpMethod method, string path, Action<JsonElement> show)
    {
        var api = new RegionCall();
        var id = new Argument<string>("id") { Description = "The schedule's id." };
        var command = api.On(new(name, description) { id });
        command.SetAction((parsed, cancel) => api.CallAsync(
            parsed, console, method, $"api/schedules/{Uri.EscapeDataString(parsed.GetValue(id)!)}{path}", null, show, cancel));
        return command;
    }

    private static void PrintSchedules(IAnsiConsole console, IEnumerable<JsonElement> schedules) => Print(console, schedules,
        ("id", s => Text(s, "id")), ("name", s => Text(s.GetProperty("plan"), "name")), ("for", s => Text(s, "device") is { Length: > 0 } device ? device : Text(s, "site")),
        ("state", s => Text(s, "state")), ("next", s => s.GetProperty("next") is { ValueKind: JsonValueKind.Object } next ? Text(next, "time") : ""),
        ("time zone", s => Text(s, "timeZone")));

    private static void Print(IAnsiConsole console, JsonElement rows, params (string Name, Func<JsonElement, string> Read)[] columns) =>
        Print(console, rows.EnumerateArray(), columns);

    private static void Print(IAnsiConsole console, IEnumerable<JsonElement> rows, params (string Name, Func<JsonElement, string> Read)[] columns)
    {
        TextTable.Write(console, columns.Select(c => c.Name), rows.Select(row => columns.Select(c => c.Read(row))));
    }

    private static string Text(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) && value.ValueKind is not JsonValueKind.Null ? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "" : "";

    private static string Pretty(JsonElement answer) => JsonSerializer.Serialize(answer, Indented);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
