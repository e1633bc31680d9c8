using System.Text.Json;
using Pumps.Core.Commands;

namespace Pumps.Handlers.Commands;

/// <summary>What somebody asks of a device.</summary>
/// <param name="Id">1 to 64 of a-z, A-Z, 0-9 and . _ : -. Given by whoever asks; the same id for the same device is the same command, however often it is asked.</param>
/// <param name="RequestedBy">Who, for the audit.</param>
/// <param name="Origin">From where, for the audit: <c>api</c>, <c>schedule</c>, ...</param>
/// <param name="Confirmed">Whoever asks knows that the command is dangerous and means it.</param>
/// <param name="TimeToLive">How long it may wait to be sent; null takes the product's own.</param>
public sealed record CommandOrder(
    string Id, string DeviceId, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, bool Confirmed,
    TimeSpan? TimeToLive)
{
    /// <summary>The group it belongs to; its receipt is there.</summary>
    public string? Group { get; init; }
}

/// <summary>A command as it is shown, and what has become of it.</summary>
/// <param name="State">queued, sent, acknowledged, done, refused, failed, expired, cancelled.</param>
/// <param name="Attempts">Times it was handed to the hub.</param>
/// <param name="Route">How it went: none, method, queue.</param>
/// <param name="Reason">Why it was refused or failed.</param>
/// <param name="Answer">The device's newest answer.</param>
/// <param name="Late">The answer came when the command had been given up already.</param>
public sealed record CommandView(
    string Id, string DeviceId, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string State, string RequestedBy, string Origin,
    bool Confirmed, string? Group, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? SentAt, DateTimeOffset? AcknowledgedAt,
    DateTimeOffset? EndedAt, string? CancelledBy, int Attempts, string Route, string? Reason, AnswerView? Answer, bool Late)
{
    public static CommandView Of(StoredCommand stored)
    {
        var (order, state) = (stored.Order, stored.State);
        return new(
            order.Id, order.DeviceId, order.Command, order.Arguments, state.Phase.Name(), order.RequestedBy, order.Origin, order.Confirmed, order.Group,
            stored.CreatedAt, stored.Terms.ExpiresAt, state.SentAt, state.AcknowledgedAt, state.EndedAt, stored.CancelledBy, state.Attempt,
            state.Route.Name(), state.Reason,
            state.Answer is { } answer ? new(answer.Status, answer.Reason, answer.Detail, answer.Value, answer.Progress) : null, state.Late);
    }
}

/// <summary>What the device said.</summary>
/// <param name="Status">The device's own word.</param>
/// <param name="Value">A value it was asked for.</param>
/// <param name="Progress">Percent.</param>
public sealed record AnswerView(string Status, string? Reason, string? Detail, long? Value, int? Progress);
