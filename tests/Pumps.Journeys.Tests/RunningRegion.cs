using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Npgsql;
using Pumps.Core.Offerings;
using Pumps.Fleet.Mqtt;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Journeys.Tests;

/// <summary>A region that runs, seen from outside: its HTTP API, its MQTT port, and its own database for what no API shows whole.</summary>
internal abstract class RunningRegion : IAsyncDisposable
{
    private static int _folders;
    private NpgsqlDataSource? _database;

    public abstract string DataFolder { get; }

    public abstract Uri Url { get; }

    /// <summary>MQTT without TLS.</summary>
    public abstract IPEndPoint Mqtt { get; }

    public static Catalog Catalog { get; } = CatalogLoader.Load(CatalogLoader.DefaultFolder);

    public HttpClient Http => field ??= new HttpClient { BaseAddress = Url, Timeout = Patience.Usual };

    private NpgsqlDataSource Database => _database ??= PostgresServices.CreateDataSource(DatabaseConnection);

    protected abstract string DatabaseConnection { get; }

    /// <summary>A data folder that the database's account may enter, so not one for the owner alone.</summary>
    public static string NewFolder() =>
        Path.Combine(Path.GetTempPath(), $"pumps-journey-{Environment.ProcessId}-{Interlocked.Increment(ref _folders)}");

    /// <summary>
    /// A port that is free and stays so: outside of the range from which systems take the source ports of connections, where a client of a
    /// port that nobody listens on may even meet itself.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(21_000, 32_000);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                continue;   // taken
            }
        }
    }

    /// <summary>Registers a device as anybody does: <c>PUT /api/devices/{id}</c>.</summary>
    public async Task<DeviceCredentials> RegisterAsync(string id, string product, int? utcOffsetMinutes = null)
    {
        using var answer = await Http.PutAsJsonAsync($"api/devices/{id}", new { product, customer = "green-valley", utcOffsetMinutes });
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), body.ToString());
        return DeviceCredentials.Parse(body.GetProperty("connectionString").GetString()!);
    }

    /// <summary>Orders something: <c>PUT /api/orders/{id}</c>.</summary>
    public async Task OrderAsync(string id, object body)
    {
        using var answer = await Http.PutAsJsonAsync($"api/orders/{id}", body);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), await answer.Content.ReadAsStringAsync());
    }

    /// <summary>The order, once it is in this phase.</summary>
    public Task<JsonElement> OrderedAsync(string order, string phase) => Patience.UntilAsync(
        () => GetAsync($"api/orders/{order}"), o => o.GetProperty("phase").GetString() == phase, $"order {order} {phase}");

    public async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await Http.GetAsync(new Uri(path, UriKind.Relative));
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.IsSuccessStatusCode, $"GET {path} was answered {answer.StatusCode}: {body}");
        return body;
    }

    public async Task<StatusView> StatusAsync() => (await Http.GetFromJsonAsync<StatusView>("api/ops/status"))!;

    /// <summary>The status code of <c>/api/health/ready</c>, and what it says, check by check.</summary>
    public async Task<(HttpStatusCode Code, HealthView Health)> ReadyAsync()
    {
        using var answer = await Http.GetAsync(new Uri("api/health/ready", UriKind.Relative));
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<HealthView>())!);
    }

    /// <summary>Waits until every service has handled every event, and finds the books balanced.</summary>
    public async Task<StatusView> SettleAsync()
    {
        var status = await Patience.UntilAsync(
            StatusAsync, s => s.Lags.All(l => l.Events == 0 || l.Group == "archive"), "every event handled", TimeSpan.FromSeconds(90));
        Assert.That(status.LedgerDifference, Is.Zero, string.Join('\n', status.Ledger));
        return status;
    }

    /// <summary>How many devices the region knows to be connected, without those that it only counts as online because they have the grace.</summary>
    public async Task<long> ConnectedAsync()
    {
        await using var command = Database.CreateCommand("select count(*) from device_connection where phase = 'online'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Every dead letter, oldest first, with its body.</summary>
    public async Task<List<StoredLetter>> DeadLettersAsync()
    {
        await using var command = Database.CreateCommand("select id, device_id, hub, code, detail, body from dead_letter order by id");
        await using var rows = await command.ExecuteReaderAsync();
        var letters = new List<StoredLetter>();
        while (await rows.ReadAsync())
            letters.Add(new(rows.GetInt64(0), rows.GetString(1), rows.GetString(2), rows.GetString(3), rows.GetString(4), Convert.ToHexString((byte[])rows[5])));
        return letters;
    }

    /// <summary>The whole history, as it is stored.</summary>
    public async Task<List<HistoryRow>> HistoryAsync()
    {
        await using var command = Database.CreateCommand(
            """
            select device_id, observed_at, seq, received_at, historical, coalesce(clock, 'ok'), points::text, coalesce(quality::text, '{}')
              from history join device using (device_key)
             order by device_id, observed_at, seq
            """);
        await using var rows = await command.ExecuteReaderAsync();
        var history = new List<HistoryRow>();
        while (await rows.ReadAsync())
            history.Add(new(
                new(rows.GetString(0), rows.GetFieldValue<DateTimeOffset>(1), rows.GetInt64(2)), rows.GetFieldValue<DateTimeOffset>(3), rows.GetBoolean(4),
                rows.GetString(5), rows.GetString(6), rows.GetString(7)));
        return history;
    }

    public virtual async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_database is not null)
            await _database.DisposeAsync();
    }
}

internal sealed record StoredLetter(long Id, string Device, string Hub, string Code, string Detail, string Body);

/// <summary>What identifies an observation.</summary>
internal readonly record struct ObservationKey(string Device, DateTimeOffset ObservedAt, long Sequence);

/// <param name="Points">Good values, JSON.</param>
/// <param name="Quality">The other ones, JSON.</param>
internal sealed record HistoryRow(
    ObservationKey Key, DateTimeOffset ReceivedAt, bool Historical, string Clock, string Points, string Quality);
