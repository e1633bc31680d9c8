using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>
/// What the server does for a chart of one day among sixty: it reads that day's partitions. A prepared statement gets a plan of its own for five
/// executions; then the server may keep one for all values, in which only the execution can leave partitions out.
/// </summary>
public sealed partial class PlanTests : PostgresFixture
{
    private const int Days = 60;

    // The day that is asked for, the hours of the next that belong to it in another time zone, and where rows without a partition wait.
    private const int PartitionsRead = 3;

    private static readonly DateTimeOffset From = Noon.AddDays(-20);

    [OneTimeSetUp]
    public async Task FillAsync()
    {
        await new Partitions(Database, new PostgresOptions { HistoryKept = TimeSpan.FromDays(Days) }, NullLogger<Partitions>.Instance)
            .KeepAsync(Noon.AddDays(-Days), Noon, CancellationToken.None);
        var store = new DatapointStore(Database, TimeProvider.System);
        var observations = Enumerable.Range(0, Days * 24).Select(hour => Observe("dp1-plan", Noon.AddHours(-hour), hour, $$"""{"flow":{{hour}}.5}""")).ToArray();
        await store.AppendHistoryAsync("irrigation", observations, CancellationToken.None);
        await new RollUps(Database, new([]), new PostgresOptions { HistoryKept = TimeSpan.FromDays(2 * Days) }, TimeProvider.System).RunOnceAsync(Noon.AddDays(1), observations.Length, CancellationToken.None);
        await using var analyze = Database.CreateCommand("analyze");
        await analyze.ExecuteNonQueryAsync();
    }

    [Test]
    public async Task A_day_is_read_from_its_partitions_however_often_the_statement_was_used(
        [Values("QueryRaw", "QueryBuckets", "QueryRolledUp")] string statement, [Values("auto", "force_generic_plan")] string mode)
    {
        var values = new Dictionary<string, string>
        {
            ["device"] = "'dp1-plan'", ["point"] = "'flow'", ["from"] = Literal(From), ["read_from"] = Literal(From), ["to"] = Literal(From.AddDays(1)),
            ["width"] = "interval '1 hour'", ["whole_days"] = "false", ["aggregate"] = "'mean'", ["limit"] = "1000",
            ["protocols"] = "array[]::text[]", ["points"] = "array[]::text[]", ["moduli"] = "array[]::numeric[]",
        };
        var names = new List<string>();
        var sql = ParameterPattern().Replace(TextOf(statement), match =>
        {
            var name = match.Groups[1].Value;
            if (!names.Contains(name))
                names.Add(name);
            return $"${names.IndexOf(name) + 1}";
        });
        var execute = $"execute chart({string.Join(", ", names.Select(n => values[n]))})";

        await using var session = await Database.OpenConnectionAsync(Cancel);
        await RunAsync(session, $"set plan_cache_mode = {mode}; prepare chart({string.Join(", ", names.Select(TypeOf))}) as {sql}");
        for (var i = 0; i < 6; i++)
            await RunAsync(session, execute);
        var plan = await RunAsync(session, "explain (analyze, costs off, timing off, summary off) " + execute);
        await RunAsync(session, "deallocate chart");

        var read = plan.Where(line => ScanPattern().IsMatch(line) && !line.Contains("never executed", StringComparison.Ordinal)).ToList();
        Assert.That(read, Has.Count.InRange(1, PartitionsRead), string.Join('\n', plan));
    }

    private static string TextOf(string statement) => statement switch
    {
        "QueryRaw" => Sql.QueryRaw,
        "QueryBuckets" => Sql.QueryBuckets,
        _ => Sql.QueryRolledUp,
    };

    private static string TypeOf(string name) => name switch
    {
        "from" or "to" or "read_from" => "timestamptz",
        "width" => "interval",
        "whole_days" => "boolean",
        "limit" => "int",
        "protocols" or "points" => "text[]",
        "moduli" => "numeric[]",
        _ => "text",
    };

    private static string Literal(DateTimeOffset at) => string.Create(CultureInfo.InvariantCulture, $"timestamptz '{at:O}'");

    private async Task<List<string>> RunAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await using var rows = await command.ExecuteReaderAsync(Cancel);
        var lines = new List<string>();
        while (await rows.ReadAsync(Cancel))
            lines.Add($"{rows.GetValue(0)}");
        return lines;
    }

    [GeneratedRegex(@"@(\w+)")]
    private static partial Regex ParameterPattern();

    // Partitions of history and of roll-ups, or chunks; an index is scanned beside its table's line.
    [GeneratedRegex(@"Scan.* on ((history|rollup_\w+?)_(p\d+|default)|_hyper_\d+_\d+_chunk)\b")]
    private static partial Regex ScanPattern();
}
