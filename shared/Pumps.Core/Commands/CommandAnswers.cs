using System.Globalization;
using System.Text.Json;
using Pumps.Core.Protocols;

namespace Pumps.Core.Commands;

/// <summary>Reads what a device answers, from the member <c>result</c> of a feed event (<see cref="Feeds.FrameMembers"/>).</summary>
public static class CommandAnswers
{
    private const string ReadParameter = "read_param";
    private const string HardwareFailure = "hardware_failure";

    /// <exception cref="KeyNotFoundException">A member is missing.</exception>
    /// <exception cref="InvalidOperationException">A member is of another type.</exception>
    public static CommandAnswer Read(Protocol protocol, JsonElement result)
    {
        var correlation = result.GetProperty("correlation").GetString()!;
        var status = result.GetProperty("status").GetString()!;
        return protocol is Protocol.Dp1 ? Dp1(correlation, status, result) : Dp2(correlation, status, result);
    }

    private static CommandAnswer Dp1(string correlation, string status, JsonElement result)
    {
        var outcome = status switch
        {
            // After "accepted" a DP1 device does not answer again: what it does shows in its states.
            "done" or "accepted" => CommandOutcome.Done,
            HardwareFailure => CommandOutcome.Failed,
            _ => CommandOutcome.Refused,
        };
        var detail = result.GetProperty("detail").GetInt32();
        return new(correlation, outcome, status)
        {
            Detail = detail == 0 ? null : detail.ToString(CultureInfo.InvariantCulture),
            Value = result.GetProperty("command").GetString() == ReadParameter ? result.GetProperty("value").GetInt64() : null,
        };
    }

    private static CommandAnswer Dp2(string correlation, string status, JsonElement result)
    {
        var reason = Text(result, "reason") is { } given and not "none" ? given : null;
        var outcome = status switch
        {
            "accepted" or "in_progress" => CommandOutcome.Accepted,
            "done" => CommandOutcome.Done,
            "expired" => CommandOutcome.Expired,
            // It repeats the reason of the stored answer, not its status.
            "duplicate" when reason is null => CommandOutcome.Repeated,
            "duplicate" when reason is "expired" => CommandOutcome.Expired,
            "rejected" or "duplicate" when reason is not HardwareFailure => CommandOutcome.Refused,
            _ => CommandOutcome.Failed,
        };
        return new(correlation, outcome, status, reason, Text(result, "text"), null, result.TryGetProperty("progress", out var progress) ? progress.GetInt32() : null);
    }

    private static string? Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value.GetString() : null;
}
