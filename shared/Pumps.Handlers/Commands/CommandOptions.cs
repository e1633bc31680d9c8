using System.ComponentModel.DataAnnotations;
using Pumps.Core.Commands;

namespace Pumps.Handlers.Commands;

/// <summary>Section <c>Commands</c>. A wrong value stops the host at start.</summary>
public sealed record CommandOptions : IValidatableObject
{
    public const string Section = "Commands";

    /// <summary>How long a device may be silent before its command is sent again or given up. DP1 devices answer within 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "00:05:00")]
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a device may take to finish, counted from its last word. A flush of a station takes ten minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:30", "1.00:00:00")]
    public TimeSpan FinishTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Transmissions of which nobody knows whether they arrived. With the defaults a silent DP2 device is given up after 3 x 30 s.</summary>
    [Range(1, 10)]
    public int AttemptsMax { get; init; } = 3;

    /// <summary>Wait before trying again when a device's queue is full, or the hub has enough to do.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Direct methods a second, of all processes of the region together. IoT Hub: 160 KB/s per S1 unit, 480 per S2 unit, metered in 4 KB; the region's hub
    /// has units enough for this figure.
    /// </summary>
    [Range(1.0, 100_000)]
    public double MethodsPerSecond { get; set; } = 40;

    /// <summary>Cloud-to-device messages a second, of all processes of the region together. IoT Hub: 100 a minute per S1 or S2 unit.</summary>
    [Range(0.1, 100_000)]
    public double MessagesPerSecond { get; set; } = 100 / 60.0;

    /// <summary>
    /// How long commands and groups are kept as they are, with their answers, and firmware rollouts after their end. That long an id is known: given
    /// again, it is the same command. After it the audit has who, when, from where and the result.
    /// </summary>
    [Range(typeof(TimeSpan), "7.00:00:00", "3650.00:00:00")]
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long the audit is kept, counted from when the command was given; not shorter than <see cref="Keep"/>. Three years: as long as claims are usually made.</summary>
    [Range(typeof(TimeSpan), "30.00:00:00", "7300.00:00:00")]
    public TimeSpan KeepAudit { get; init; } = TimeSpan.FromDays(3 * 365);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (KeepAudit < Keep)
            yield return new($"KeepAudit is {KeepAudit} and Keep is {Keep}: the audit outlives the commands.", [nameof(KeepAudit)]);
    }

    public CommandLimits Limits => new(AnswerTimeout, FinishTimeout, AttemptsMax, Pause);
}
