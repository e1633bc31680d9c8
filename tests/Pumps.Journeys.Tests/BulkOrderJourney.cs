using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Pumps.Journeys.Tests;

/// <summary>A bulk order of 10,000 lines, some of them bad, to a region that is killed while it comes in and while it is worked off.</summary>
[NonParallelizable]
public sealed class BulkOrderJourney
{
    private const int Lines = 10_000;
    private const int LinesBeforeKill = 6_000;
    private const int Refused = 80;
    private const int Duplicate = 20;
    private const int Accepted = Lines - Refused - Duplicate;

    // 9,900 devices on two busy cores.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [Test]
    public async Task A_killed_region_loses_no_line_and_doubles_none()
    {
        var file = File();
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();

        using var part = new StalledContent(file, LinesBeforeKill);
        var upload = PutAsync(region, part);
        await Patience.UntilAsync(() => IsOpenAsync(region), open => open, "the bulk order opened");
        await Patience.UntilAsync(() => SummaryAsync(region), s => Number(s, "lines") >= LinesBeforeKill / 2, "half of the part kept");
        await region.KillAsync();
        part.BreakOff();
        Assert.That(async () => await upload, Throws.InstanceOf<HttpRequestException>());
        await region.StartAsync();
        var kept = await SummaryAsync(region);
        Assert.That(kept.GetProperty("complete").GetBoolean(), Is.False);

        var began = Stopwatch.GetTimestamp();
        using (var answer = await PutAsync(region, Csv(file)))
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), await answer.Content.ReadAsStringAsync());
        var received = Stopwatch.GetElapsedTime(began);
        await Patience.UntilAsync(() => SummaryAsync(region), s => Waiting(s) >= Accepted / 4, "a quarter of the orders", Limit);
        await region.KillAsync();
        await region.StartAsync();

        var (from, started) = (Waiting(await SummaryAsync(region)), Stopwatch.GetTimestamp());
        var summary = await Patience.UntilAsync(() => SummaryAsync(region), s => Waiting(s) == Accepted, "every device awaited", Limit);
        var took = Stopwatch.GetElapsedTime(started);

        var lines = await LinesAsync(region);
        var devices = await DevicesAsync(region);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Number(summary, "lines"), Number(summary, "accepted"), Number(summary, "duplicate"), Number(summary, "refused")),
                Is.EqualTo((Lines, Accepted, Duplicate, Refused)));
            Assert.That(lines.Select(l => l.GetProperty("line").GetInt32()), Is.EqualTo(Enumerable.Range(2, Lines)), "a receipt for every line");
            Assert.That(lines.Select(l => l.GetProperty("outcome").GetString()), Is.EqualTo(Enumerable.Range(0, Lines).Select(ExpectedOf)));
            Assert.That(devices, Is.Unique.And.EquivalentTo(Enumerable.Range(0, Lines).Where(i => ExpectedOf(i) == "accepted").Select(Device)));
        }

        var rest = Lines - Number(kept, "lines");
        await TestContext.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"Measured: bulk order of {Lines} lines, {rest} of them received in {received.TotalSeconds:0.0} s ({rest / received.TotalSeconds:0} lines/s); {Accepted - from} devices with identity, tags and row in {took.TotalSeconds:0.0} s after a kill ({(Accepted - from) / took.TotalSeconds:0} orders/s)"));
    }

    private static string Device(int index) => string.Create(CultureInfo.InvariantCulture, $"dp2-70b3d57ed1{index:x6}");

    /// <summary>Every hundredth line is bad, each in its way.</summary>
    private static string ExpectedOf(int index) => index % 100 != 99 ? "accepted" : index / 100 % 5 == 0 ? "duplicate" : "refused";

    private static string LineOf(int index) => ExpectedOf(index) switch
    {
        "accepted" => $"{Device(index)},irrigation-pump-v2,green-valley\n",
        "duplicate" => $"{Device(index - 1)},irrigation-pump-v2,green-valley\n",
        _ => (index / 100 % 5) switch
        {
            1 => $"{Device(index)},no-such-product,green-valley\n",
            2 => $"dp9-{index},irrigation-pump-v2,green-valley\n",
            3 => $"{Device(index)},irrigation-pump-v2,Not A Customer\n",
            _ => $"{Device(index)},irrigation-pump-v2\n",
        },
    };

    private static string File() => "device,product,customer\n" + string.Concat(Enumerable.Range(0, Lines).Select(LineOf));

    private static StringContent Csv(string file) => new(file, Encoding.UTF8, "text/csv");

    private static Task<HttpResponseMessage> PutAsync(RegionProcess region, HttpContent content) =>
        region.Http.PutAsync(new Uri("api/bulk-orders/spring", UriKind.Relative), content);

    private static Task<JsonElement> SummaryAsync(RegionProcess region) => region.GetAsync("api/bulk-orders/spring");

    private static async Task<bool> IsOpenAsync(RegionProcess region)
    {
        using var answer = await region.Http.GetAsync(new Uri("api/bulk-orders/spring", UriKind.Relative));
        return answer.IsSuccessStatusCode;
    }

    private static int Number(JsonElement of, string name) => of.GetProperty(name).GetInt32();

    private static int Waiting(JsonElement summary) => summary.GetProperty("phases").TryGetProperty("waiting", out var waiting) ? waiting.GetInt32() : 0;

    private static async Task<List<JsonElement>> LinesAsync(RegionProcess region) => await PagesAsync(region, "api/bulk-orders/spring/lines?limit=10000");

    private static async Task<List<string>> DevicesAsync(RegionProcess region) =>
        (await PagesAsync(region, "api/devices?status=ordered&limit=1000")).ConvertAll(d => d.GetProperty("id").GetString()!);

    private static async Task<List<JsonElement>> PagesAsync(RegionProcess region, string path)
    {
        var items = new List<JsonElement>();
        for (string? cursor = null; ;)
        {
            var page = await region.GetAsync(cursor is null ? path : $"{path}&cursor={cursor}");
            items.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("next").GetString();
            if (cursor is null)
                return items;
        }
    }

    /// <summary>An upload that stops in the middle and does not go on; it ends only when it is broken off.</summary>
    private sealed class StalledContent : HttpContent
    {
        private readonly TaskCompletionSource _brokenOff = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly byte[] _part;

        public StalledContent(string file, int lines)
        {
            _part = Encoding.UTF8.GetBytes(string.Join('\n', file.Split('\n').Take(lines + 1)) + "\n");
            Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        }

        public void BreakOff() => _brokenOff.TrySetException(new IOException("The upload was broken off."));

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_part);
            await stream.FlushAsync();
            await _brokenOff.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
