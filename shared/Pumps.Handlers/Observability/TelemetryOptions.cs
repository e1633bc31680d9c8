using System.ComponentModel.DataAnnotations;

namespace Pumps.Handlers.Observability;

/// <summary>Section <c>Telemetry</c>. A wrong value stops the host at start.</summary>
public sealed record TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>
    /// One device message in so many gets a trace when it arrives, and keeps it through every hub; 0: none. At 30,000 messages a second the
    /// default makes 30 traces a second: enough to see every path, and next to no cost.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MessagesPerTrace { get; set; } = 1000;

    /// <summary>
    /// Share of API requests and of invocations of functions that are traced, 0 to 1. Chosen by the trace's id, so that all who see a trace choose
    /// alike; a caller's own choice is not followed, since it costs this side.
    /// </summary>
    [Range(0.0, 1.0)]
    public double RequestShare { get; set; } = 0.1;

    /// <summary>A span that took this long is exported whatever was chosen, as every span with an error is. A usual batch takes a tenth of a second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SlowSpan { get; set; } = TimeSpan.FromSeconds(5);
}
