using System.Diagnostics;
using System.Globalization;
using Pumps.Benchmarks.Measuring;
using Pumps.Handlers.Observability;
using Pumps.LocalRegion;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>One line of a run: rates since the line before, in % of one processor where it is processors.</summary>
internal sealed record PipelineSample(
    TimeSpan At, double Decoded, double Stored, double Latest, Lags Lags, double Resident, double Managed, double Region, double Load, double Postgres)
{
    public const string Header = "    s   decoded/s   history/s    latest/s      lag: decode   latest  history   memory MB  managed   cpu: region    load   postgres";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{At.TotalSeconds,5:0} {Decoded,11:N0} {Stored,11:N0} {Latest,11:N0} {Lags.Decode,16:N0} {Lags.Latest,8:N0} {Lags.History,8:N0} {Resident / 1e6,11:0} {Managed / 1e6,8:0} {Region,13:0} {Load,7:0} {Postgres,10:0}");
}

/// <summary>Reads the region's meters from time to time.</summary>
internal sealed class PipelineRun(Region region, RawLoad load)
{
    private readonly Ledger _ledger = region.Services.GetRequiredService<Ledger>();
    private readonly List<PipelineSample> _samples = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly Reading _first = Read(region, load, region.Services.GetRequiredService<Ledger>(), TimeSpan.Zero);
    private Reading? _last;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_began);

    public double PeakBytes => _samples.Max(s => s.Resident);

    /// <summary>By how much the largest memory of the last third exceeds that of the second; in the first one, caches fill.</summary>
    public double Growth
    {
        get
        {
            var third = Math.Max(1, _samples.Count / 3);
            return (_samples.TakeLast(third).Max(s => s.Resident) / _samples.SkipLast(third).TakeLast(third).Append(_samples[0]).Max(s => s.Resident)) - 1;
        }
    }

    public LedgerEntry Of(string service) => Sum(_ledger, service);

    public string MicrosecondsPerFrame(long frames) => string.Create(
        CultureInfo.InvariantCulture,
        $"region {1e6 * (_last!.Process - _first.Process - _last.Load) / frames:0.0} µs, load {1e6 * _last.Load / frames:0.0} µs, PostgreSQL {1e6 * (_last.Postgres - _first.Postgres) / frames:0.0} µs");

    public PipelineSample Take()
    {
        var before = _last ?? _first;
        _last = Read(region, load, _ledger, Elapsed);
        var seconds = (_last.At - before.At).TotalSeconds;
        var loaded = _last.Load - before.Load;
        var sample = new PipelineSample(
            _last.At, (_last.Decoded - before.Decoded) / seconds, (_last.Stored - before.Stored) / seconds, (_last.Latest - before.Latest) / seconds,
            Lags.Of(region.Hubs), Environment.WorkingSet, GC.GetGCMemoryInfo().TotalCommittedBytes, 100 * (_last.Process - before.Process - loaded) / seconds, 100 * loaded / seconds,
            100 * (_last.Postgres - before.Postgres) / seconds);
        _samples.Add(sample);
        return sample;
    }

    private static Reading Read(Region region, RawLoad load, Ledger ledger, TimeSpan at) => new(
        at, Sum(ledger, "decode").In, Sum(ledger, "history").Out, Sum(ledger, "latest").Out, Environment.CpuUsage.TotalTime.TotalSeconds, load.ProcessorSeconds,
        Processors.SecondsOfTree(region.Postgres!.ProcessId));

    private static LedgerEntry Sum(Ledger ledger, string service) =>
        ledger.Totals.Where(t => t.Key.Service == service).Select(t => t.Value).Aggregate(default(LedgerEntry), (a, b) => a + b);

    private sealed record Reading(TimeSpan At, long Decoded, long Stored, long Latest, double Process, double Load, double Postgres);
}
