using System.CommandLine;
using System.Text.Json;
using Pumps.LocalRegion.Archive;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps replay</c>: has the running region read archived events again.</summary>
public static class ReplayCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "An archive or a part of it: Avro files of this region or of Event Hubs Capture." };
        var data = new Option<DirectoryInfo>("--data") { Description = "Data folder of the region.", DefaultValueFactory = _ => new(".local") };
        var command = new Command("replay", "Send archived raw events through the running region again, without making duplicates.") { folder, data };
        command.SetAction((parsed, cancel) => RunAsync(console, parsed.GetValue(folder)!, parsed.GetValue(data)!, cancel));
        return command;
    }

    private static async Task<int> RunAsync(IAnsiConsole console, DirectoryInfo folder, DirectoryInfo data, CancellationToken cancel)
    {
        if (!folder.Exists)
            return Fail(console, $"There is no folder {folder.FullName}.");
        if (await RunningRegion.FindAsync(data, cancel) is not { } url)
            return Fail(console, $"No region runs on {data.FullName}. Start one with \"pumps up\".");

        try
        {
            using var http = new HttpClient { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
            using var answer = await http.PostAsync(new Uri($"/local/replay?folder={Uri.EscapeDataString(folder.FullName)}", UriKind.Relative), content: null, cancel);
            answer.EnsureSuccessStatusCode();
            var done = (await answer.Content.ReadFromJsonAsync<ReplayProgress>(cancel))!;
            foreach (var fault in done.Faults)
                console.MarkupLineInterpolated($"[red]{fault.File}[/]: broken after {fault.EventsBefore} events: {fault.Reason}");
            console.MarkupLineInterpolated($"{done.Events} events of {done.FilesDone} files replayed, {done.Faults.Count} files broken");
            return done.Faults.Count == 0 ? 0 : 1;
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException)
        {
            return Fail(console, $"The region at {url} did not replay: {fault.Message}");
        }
    }

    private static int Fail(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
