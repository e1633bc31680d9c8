using System.Globalization;
using System.Text;
using Pumps.Handlers.Datapoints;

namespace Pumps.Benchmarks;

/// <summary>Observations of a fleet as irrigation pumps send them: 14 datapoints, or 4 counters in every fifth. The same arguments give the same bytes.</summary>
public sealed class HistoryFill(int devices, DateTimeOffset from, TimeSpan interval)
{
    private readonly string[] _ids = [.. Enumerable.Range(0, devices).Select(i => string.Create(CultureInfo.InvariantCulture, $"dp1-{4_000_000 + i}"))];

    public IReadOnlyList<string> DeviceIds => _ids;

    /// <summary>The observations of all devices in order of time, in batches as a writer of one hub partition gets them.</summary>
    public IEnumerable<Observation[]> Batches(int rounds, int batchSize)
    {
        var batch = new List<Observation>(batchSize);
        for (var round = 0; round < rounds; round++)
            for (var device = 0; device < _ids.Length; device++)
            {
                batch.Add(At(device, round));
                if (batch.Count < batchSize)
                    continue;
                yield return [.. batch];
                batch.Clear();
            }

        if (batch.Count > 0)
            yield return [.. batch];
    }

    public Observation At(int device, int round)
    {
        // Devices are spread over the interval: no two of one round share a time.
        var at = from + interval * round + TimeSpan.FromMilliseconds((long)(interval.TotalMilliseconds * device / _ids.Length));
        var wave = (round * 7 + device * 13) % 100;
        var points = round % 5 == 4
            ? string.Create(CultureInfo.InvariantCulture, $$"""{"run_hours":{{round * 0.1m + device:0.0}},"energy_total":{{round * 0.4m:0.0}},"volume_total":{{round * 2.1m:0.0}},"start_count":{{round / 10 % 65535}}}""")
            : string.Create(CultureInfo.InvariantCulture, $$"""{"flow":{{20 + wave * 0.1m:0.00}},"pressure_in":{{1 + wave * 0.01m:0.00}},"pressure_out":{{4 + wave * 0.01m:0.00}},"motor_current":{{8 + wave * 0.03m:0.00}},"supply_voltage":{{230 + wave % 7}},"motor_temperature":{{40 + wave * 0.1m:0.0}},"water_temperature":{{12 + wave * 0.05m:0.0}},"speed":{{2800 + wave}},"power":{{3 + wave * 0.01m:0.00}},"pump_state":"running","zone":{{wave % 8}},"soil_moisture":{{30 + wave * 0.2m:0.0}},"rain":false,"signal":{{-60 - wave % 40}}}""");
        return new(_ids[device], at, at.AddMilliseconds(800), round, "ok", false, Encoding.UTF8.GetBytes(points), default);
    }
}
