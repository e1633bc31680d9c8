using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Pumps.Benchmarks.Measuring;
using Spectre.Console;

namespace Pumps.Benchmarks.Codecs;

/// <summary>Runs <see cref="CodecBenchmarks"/> and holds them against the targets.</summary>
internal static class CodecVerdicts
{
    private const double RatioAsked = 2;
    private const double FeedMicrosecondsAsked = 1.5;

    public static Command Create(IAnsiConsole console)
    {
        var command = new Command("codecs", "Decoders against protobuf and against the frame's checksum alone; about two minutes.");
        command.SetAction(_ => Run(console));
        return command;
    }

    private static int Run(IAnsiConsole console)
    {
        // In this process: what is measured is what was built, and no second build delays it.
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(6).WithIterationCount(12)
            .WithIterationTime(TimeInterval.FromMilliseconds(250));
        var summary = BenchmarkRunner.Run<CodecBenchmarks>(
            ManualConfig.Create(DefaultConfig.Instance).AddJob(job).WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "codecs")));
        if (summary.HasCriticalValidationErrors || summary.Reports.Any(r => !r.Success))
            throw new InvalidOperationException("BenchmarkDotNet could not measure every benchmark; what it says is above.");

        var reports = summary.Reports.ToDictionary(r => r.BenchmarkCase.Descriptor.WorkloadMethod.Name);
        double Median(string name) => reports[name].ResultStatistics!.Median;

        var verdicts = new Verdicts(console);
        foreach (var name in new[] { nameof(CodecBenchmarks.Dp1Status), nameof(CodecBenchmarks.Dp2Telemetry) })
            verdicts.Add($"{name}, allocated", "0 bytes", $"{Allocated(reports[name])} bytes", Allocated(reports[name]) == 0);

        var ratio = Median(nameof(CodecBenchmarks.ProtobufEqualMessage)) / Median(nameof(CodecBenchmarks.Dp2Telemetry));
        verdicts.Add("DP2 against the equal protobuf message", $"{RatioAsked} times faster", $"{ratio:0.00} times", ratio >= RatioAsked);
        verdicts.Show("DP2 against a protobuf message of one product",
            $"{Median(nameof(CodecBenchmarks.ProtobufMessageOfOneProduct)) / Median(nameof(CodecBenchmarks.Dp2Telemetry)):0.00} times");
        verdicts.Show("DP1 as a multiple of its CRC alone", $"{Median(nameof(CodecBenchmarks.Dp1Status)) / Median(nameof(CodecBenchmarks.Dp1StatusCrcAlone)):0.0}");
        verdicts.Show("DP2 as a multiple of its CRC alone", $"{Median(nameof(CodecBenchmarks.Dp2Telemetry)) / Median(nameof(CodecBenchmarks.Dp2TelemetryCrcAlone)):0.0}");

        foreach (var name in new[] { nameof(CodecBenchmarks.Dp1StatusToFeed), nameof(CodecBenchmarks.Dp2TelemetryToFeed) })
        {
            var microseconds = Median(name) / 1000;
            verdicts.Add(
                $"{name}", $"at most {FeedMicrosecondsAsked} µs, 0 bytes", $"{microseconds:0.00} µs, {Allocated(reports[name])} bytes",
                microseconds <= FeedMicrosecondsAsked && Allocated(reports[name]) == 0);
        }

        return verdicts.Print();
    }

    private static long Allocated(BenchmarkReport report) => report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? -1;
}
