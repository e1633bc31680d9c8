using System.Text.Json.Serialization;

namespace Pumps.Core.Provisioning;

/// <summary>Where an order stands. The names are stored and API.</summary>
public enum OrderPhase
{
    Doing,
    Waiting,
    Undoing,

    /// <summary>Everything is done.</summary>
    Done,

    /// <summary>A rule forbids it. Nothing is left of it.</summary>
    Refused,

    /// <summary>A step did not succeed, however often it was tried. Nothing is left of it.</summary>
    Failed,

    /// <summary>What was waited for did not come. Nothing is left of it.</summary>
    Expired,

    /// <summary>Somebody took the order back. Nothing is left of it.</summary>
    Cancelled,
}

/// <summary>What a device's tags and row say of it.</summary>
public sealed record DeviceTags(string Protocol, string Offering, string Product, string Customer, string Region, int? UtcOffsetMinutes);

/// <summary>The identity of a device as an order found it.</summary>
public sealed record IdentityBefore(DeviceTags Tags, bool Enabled);

/// <summary>The row of a device as an order found it. Statuses: <c>ordered</c>, <c>active</c>, <c>suspended</c>, <c>retired</c>.</summary>
/// <param name="Site">Where it stood; null: nowhere.</param>
/// <param name="Tags">Its customer's words for it; null: none.</param>
public sealed record RowBefore(
    string Offering, string Product, string Customer, string Status, string? Site = null, IReadOnlyList<string>? Tags = null);

/// <summary>How an order found its device, so that it can leave it like that; null is: there was none.</summary>
public sealed record DeviceBefore(IdentityBefore? Identity, RowBefore? Row);

/// <summary>The state of one order, as it is stored.</summary>
/// <param name="At">Index of the step in <see cref="OrderSteps.For"/>.</param>
/// <param name="DueAt">When the driver must come back without a signal; null when the order is closed.</param>
public sealed record OrderState(OrderKind Kind, OrderPhase Phase, int At, DateTimeOffset? DueAt)
{
    /// <summary>How often the present step has met trouble.</summary>
    public int Troubles { get; init; }

    /// <summary>Only while waiting.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>How the order ends when everything is taken back.</summary>
    public OrderPhase? Ending { get; init; }

    /// <summary>Why it did not work: a noun in snake case.</summary>
    public string? Reason { get; init; }

    public string? Detail { get; init; }

    public DeviceBefore? Before { get; init; }

    [JsonIgnore]
    public OrderStep Step => OrderSteps.For(Kind)[At];

    [JsonIgnore]
    public bool IsOver => Phase is OrderPhase.Done or OrderPhase.Refused or OrderPhase.Failed or OrderPhase.Expired or OrderPhase.Cancelled;
}

/// <summary>What is to be done for an order: a step, or its undo.</summary>
public readonly record struct OrderEffect(OrderStep Step, bool Undo);

/// <summary>What happened to an order.</summary>
public abstract record OrderSignal
{
    private OrderSignal()
    {
    }

    /// <summary>An effect was carried out. <paramref name="Before"/> comes with <see cref="OrderStep.Admit"/>.</summary>
    public sealed record Done(OrderEffect Effect, DeviceBefore? Before = null) : OrderSignal;

    /// <summary>A rule forbids the step; trying again would not help.</summary>
    public sealed record Refused(OrderEffect Effect, string Reason, string Detail) : OrderSignal;

    /// <summary>The step did not succeed now; it may have had an effect.</summary>
    public sealed record Trouble(OrderEffect Effect, string Detail) : OrderSignal;

    /// <summary>The device has said what it is. <paramref name="Misfit"/>: how that contradicts the order, or null.</summary>
    public sealed record Hello(string? Misfit) : OrderSignal;

    /// <summary>Somebody says that the device uses its secondary key.</summary>
    public sealed record Confirmed : OrderSignal;

    /// <summary>Somebody takes the order back.</summary>
    public sealed record Cancelled : OrderSignal;

    /// <summary>The time of <see cref="OrderState.DueAt"/> has come.</summary>
    public sealed record TimePassed : OrderSignal;
}

/// <summary>The limits of one order; they come with it, so that a running order keeps its own.</summary>
/// <param name="TroublesMax">With the defaults a step is given up after about ten minutes.</param>
public sealed record OrderLimits(int TroublesMax, TimeSpan FirstPause, TimeSpan PauseMax, TimeSpan HelloWithin, TimeSpan ConfirmWithin)
{
    public static OrderLimits Default { get; } =
        new(8, TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5), TimeSpan.FromDays(90), TimeSpan.FromDays(14));
}
