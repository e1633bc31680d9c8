using System.Collections.Immutable;

namespace Pumps.Core.Provisioning;

/// <summary>What an order asks for. The names are stored and API.</summary>
public enum OrderKind
{
    /// <summary>A device is to work for a customer: a new one, or one that comes back.</summary>
    Provision,

    /// <summary>A device gets another product, customer or offset; its history stays.</summary>
    Change,

    /// <summary>A device may no longer connect; everything else stays.</summary>
    Suspend,

    /// <summary>A suspended device may connect again.</summary>
    Resume,

    /// <summary>Both keys are replaced while the device stays connected.</summary>
    RotateKeys,

    /// <summary>A device leaves for good. Its history stays until the retention of its offering; its identity and keys go.</summary>
    Retire,
}

/// <summary>One thing to be done for an order. The names are stored; what is done twice is done once.</summary>
public enum OrderStep
{
    /// <summary>Checks rules and plan, and remembers how the device was. Changes nothing.</summary>
    Admit,

    /// <summary>Identity with twin tags and desired properties, in one write: no message ever comes from an untagged device.</summary>
    Register,

    MarkOrdered,

    /// <summary>Waits until the device has said what it is, and that fits.</summary>
    AwaitHello,

    MarkActive,

    /// <summary>The row gets the new product and customer and keeps its status.</summary>
    MarkChanged,

    Disable,
    Enable,
    MarkSuspended,

    /// <summary>Replaces the key that the device does not use.</summary>
    RenewSecondary,

    /// <summary>Waits until somebody says that the device uses its secondary key.</summary>
    AwaitConfirmation,

    RenewPrimary,
    MarkRetired,

    /// <summary>With its registration at the provisioning service.</summary>
    RemoveIdentity,
}

/// <summary>Which steps an order takes, and what takes each of them back.</summary>
/// <remarks>
/// <code>
///  step                taken back by
///  admit               nothing to take back
///  register            the identity goes, or its earlier tags and state return
///  mark ordered, active, changed, suspended, retired    the row is as before
///  await hello, await confirmation                      nothing to take back
///  disable, enable     the earlier state
///  renew secondary     nothing: nobody uses that key
///  renew primary, remove identity                       no way back: they stand last and are tried until they succeed
/// </code>
/// </remarks>
public static class OrderSteps
{
    private static readonly ImmutableArray<OrderStep> Provision =
        [OrderStep.Admit, OrderStep.Register, OrderStep.MarkOrdered, OrderStep.AwaitHello, OrderStep.MarkActive];

    private static readonly ImmutableArray<OrderStep> Change = [OrderStep.Admit, OrderStep.Register, OrderStep.MarkChanged];
    private static readonly ImmutableArray<OrderStep> Suspend = [OrderStep.Admit, OrderStep.Disable, OrderStep.MarkSuspended];
    private static readonly ImmutableArray<OrderStep> Resume = [OrderStep.Admit, OrderStep.MarkActive, OrderStep.Enable];

    private static readonly ImmutableArray<OrderStep> RotateKeys =
        [OrderStep.Admit, OrderStep.RenewSecondary, OrderStep.AwaitConfirmation, OrderStep.RenewPrimary];

    private static readonly ImmutableArray<OrderStep> Retire =
        [OrderStep.Admit, OrderStep.Disable, OrderStep.MarkRetired, OrderStep.RemoveIdentity];

    public static ImmutableArray<OrderStep> For(OrderKind kind) => kind switch
    {
        OrderKind.Provision => Provision,
        OrderKind.Change => Change,
        OrderKind.Suspend => Suspend,
        OrderKind.Resume => Resume,
        OrderKind.RotateKeys => RotateKeys,
        OrderKind.Retire => Retire,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such kind of order."),
    };

    /// <summary>Steps that wait for somebody instead of doing something.</summary>
    public static bool Waits(this OrderStep step) => step is OrderStep.AwaitHello or OrderStep.AwaitConfirmation;

    public static bool HasUndo(this OrderStep step) => step is
        OrderStep.Register or OrderStep.MarkOrdered or OrderStep.MarkActive or OrderStep.MarkChanged or OrderStep.MarkSuspended or OrderStep.MarkRetired
        or OrderStep.Disable or OrderStep.Enable;

    /// <summary>Steps that cannot be taken back, and so must not be given up once they were tried.</summary>
    public static bool IsFinal(this OrderStep step) => step is OrderStep.RenewPrimary or OrderStep.RemoveIdentity;
}
