using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pumps.Handlers.Portal;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps status</c>: what the running region says of itself, as tables or as JSON.</summary>
public static class StatusCommand
{
    /// <summary>The region answered, and its ledger balances.</summary>
    public const int Balanced = 0;

    /// <summary>No region answered.</summary>
    public const int NoAnswer = 1;

    /// <summary>Events are unaccounted for.</summary>
    public const int Difference = 2;

    // Somebody waits at a terminal; a region that works answers in milliseconds.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create(IAnsiConsole console)
    {
        var url = new Option<Uri?>("--url")
        {
            Description = "Address of the region's API. Default: that of the region which runs on the data folder.",
            CustomParser = result =>
            {
                if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https"))
                    return address;
                result.AddError($"--url is \"{result.Tokens[0].Value}\"; it must be an address like http://127.0.0.1:8080.");
                return null;
            },
        };
        var data = new Option<DirectoryInfo>("--data")
        {
            Description = "Data folder of the region.",
            DefaultValueFactory = _ => new DirectoryInfo(".local"),
        };
        var json = new Option<bool>("--json") { Description = "Print the answer of /api/ops/status as it is." };

        var command = new Command("status", "Show ledger, lags and dead letters of the running region. Exit code 1: no answer; 2: the ledger does not balance.")
        {
            url, data, json,
        };
        command.SetAction((parsed, cancel) => RunAsync(console, parsed.GetValue(url), parsed.GetValue(data)!, parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(IAnsiConsole console, Uri? url, DirectoryInfo data, bool asJson, CancellationToken cancel)
    {
        var file = RunningRegion.FileIn(data);
        try
        {
            url ??= await RunningRegion.FindAsync(data, cancel);
            if (url is null)
                return Say(console, $"No region runs on {data.FullName}: there is no {file.Name}. Start one with \"pumps up\", or name one with --url.");

            using var http = new HttpClient { BaseAddress = url, Timeout = Patience };
            using var answer = await http.GetAsync(new Uri("/api/ops/status", UriKind.Relative), cancel);
            if (!answer.IsSuccessStatusCode)
                return Say(console, $"The region at {url} answers {(int)answer.StatusCode}: {await DetailAsync(answer, cancel)}");

            var text = await answer.Content.ReadAsStringAsync(cancel);
            var status = JsonSerializer.Deserialize<StatusView>(text, JsonSerializerOptions.Web)
                ?? throw new JsonException("the answer is null");
            if (asJson)
                console.Profile.Out.Writer.WriteLine(text);
            else
                Print(console, status);
            return status.LedgerDifference == 0 ? Balanced : Difference;
        }
        catch (HttpRequestException error)
        {
            return Say(console, $"No region answers at {url}: {error.Message}. Start one with \"pumps up\".");
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Say(console, $"The region at {url} did not answer within {Patience.TotalSeconds:0} seconds.");
        }
        catch (JsonException error)
        {
            return Say(console, $"{(url is null ? file.FullName : url)} does not hold what a region writes: {error.Message}");
        }
    }

    private static async Task<string> DetailAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        if (answer.Content.Headers.ContentType?.MediaType is not "application/problem+json")
            return answer.ReasonPhrase ?? "no reason given";

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(cancel);
        return problem.TryGetProperty("detail", out var detail) ? detail.ToString() : problem.ToString();
    }

    private static void Print(IAnsiConsole console, StatusView status)
    {
        console.MarkupLineInterpolated(
            $"[bold]{status.Region}[/] {status.Version}, up {TimeSpan.FromSeconds(Math.Floor(status.UptimeSeconds)):c}, {status.GatewayConnections} devices connected");

        console.Write(Table("Ledger since the start", ["service", "hub"], ["in", "out", "dead-lettered", "duplicate", "filtered", "difference"],
            status.Ledger.Select(l => (
                new[] { l.Service, l.Hub },
                new[] { l.In, l.Out, l.DeadLettered, l.Duplicate, l.Filtered, l.Difference }.Select(Number).ToArray(),
                l.Difference != 0))));
        console.Write(Table("Lag", ["hub", "group"], ["events", "oldest, s"],
            status.Lags.Select(l => (new[] { l.Hub, l.Group }, new[] { Number(l.Events), l.Seconds.ToString("0.0", CultureInfo.InvariantCulture) }, false))));
        console.Write(Table("Dead letters, not replayed", ["code"], ["letters"],
            status.DeadLetters.OrderByDescending(d => d.Value).Select(d => (new[] { d.Key }, new[] { Number(d.Value) }, false))));

        if (status.LedgerDifference != 0)
            console.MarkupLineInterpolated($"[red]The ledger does not balance: {Number(status.LedgerDifference)} events are unaccounted for.[/]");
    }

    private static Table Table(string title, string[] names, string[] figures, IEnumerable<(string[] Names, string[] Figures, bool Wrong)> rows)
    {
        var table = new Table().Border(TableBorder.Simple).Title(title);
        foreach (var name in names)
            table.AddColumn(name);
        foreach (var figure in figures)
            table.AddColumn(new TableColumn(figure).RightAligned());

        foreach (var row in rows)
            // Names come from devices' codes and configuration: text, never markup.
            table.AddRow([.. row.Names.Concat(row.Figures).Select(cell => new Text(cell, row.Wrong ? new Style(Color.Red) : Style.Plain))]);
        if (table.Rows.Count == 0)
            table.AddRow(new Text("none"));
        return table;
    }

    private static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static int Say(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return NoAnswer;
    }
}
