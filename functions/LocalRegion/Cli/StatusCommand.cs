using System.CommandLine;
using System.Globalization;
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

    public static Command Create(IAnsiConsole console)
    {
        var call = new RegionCall();
        var command = call.On(new("status", "Show ledger, lags and dead letters of the running region. Exit code 1: no answer; 2: the ledger does not balance."));
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var text = await RegionCall.GetTextAsync(http, "api/ops/status", cancel);
            var status = RegionCall.Read<StatusView>(text);
            call.Print(parsed, console, text, () => Print(console, status));
            return status.LedgerDifference == 0 ? Balanced : Difference;
        }, cancel));
        return command;
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
}
