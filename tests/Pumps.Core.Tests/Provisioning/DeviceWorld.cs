using Pumps.Core.Provisioning;

namespace Pumps.Core.Tests.Provisioning;

/// <summary>Registry and register of one device in memory; every effect may be carried out again and again, as the machine demands.</summary>
internal sealed record DeviceWorld(DeviceTags? Tags, bool Enabled, string? Desired, int SecondaryKey, int PrimaryKey, RowBefore? Row)
{
    public static readonly DeviceTags Target = new("dp2", "irrigation", "irrigation-pump-v2", "green-valley", "test", null);
    public static readonly DeviceTags Earlier = Target with { Product = "irrigation-station", Customer = "stock" };

    public static DeviceWorld Empty { get; } = new(null, false, null, 0, 0, null);

    public static DeviceWorld Active { get; } = new(Earlier, true, Earlier.Product, 1, 1, new(Earlier.Offering, Earlier.Product, Earlier.Customer, "active"));

    public static DeviceWorld Suspended { get; } = Active with { Enabled = false, Row = Active.Row! with { Status = "suspended" } };

    public DeviceBefore Before => new(Tags is null ? null : new(Tags, Enabled), Row);

    /// <summary>The device as it is when an order of a kind is done.</summary>
    public DeviceWorld After(OrderKind kind) => kind switch
    {
        OrderKind.Provision => new(Target, true, Target.Product, 0, 0, RowOf("active")),
        OrderKind.Change => this with { Tags = Target, Desired = Target.Product, Row = RowOf(Row!.Status) },
        OrderKind.Suspend => this with { Enabled = false, Row = Row! with { Status = "suspended" } },
        OrderKind.Resume => this with { Enabled = true, Row = Row! with { Status = "active" } },
        OrderKind.RotateKeys => this with { SecondaryKey = 2, PrimaryKey = 2 },
        _ => Empty with { Row = Row! with { Status = "retired" } },
    };

    public DeviceWorld Carry(OrderEffect effect, OrderState state) => effect.Undo ? Undo(effect.Step, state.Before!) : effect.Step switch
    {
        OrderStep.Register => this with { Tags = Target, Enabled = state.Kind is OrderKind.Provision || Enabled, Desired = Target.Product },
        OrderStep.MarkOrdered => this with { Row = RowOf("ordered") },
        OrderStep.MarkActive => this with { Row = Row! with { Status = "active" } },
        OrderStep.MarkChanged => this with { Row = RowOf(Row!.Status) },
        OrderStep.MarkSuspended => this with { Row = Row! with { Status = "suspended" } },
        OrderStep.MarkRetired => this with { Row = Row! with { Status = "retired" } },
        OrderStep.Disable => this with { Enabled = false },
        OrderStep.Enable => this with { Enabled = true },
        OrderStep.RenewSecondary => this with { SecondaryKey = 2 },
        OrderStep.RenewPrimary => this with { PrimaryKey = 2 },
        OrderStep.RemoveIdentity => this with { Tags = null, Enabled = false, Desired = null, SecondaryKey = 0, PrimaryKey = 0 },
        _ => this,
    };

    private DeviceWorld Undo(OrderStep step, DeviceBefore before) => step switch
    {
        OrderStep.Register when before.Identity is null => this with { Tags = null, Enabled = false, Desired = null },
        OrderStep.Register => this with { Tags = before.Identity.Tags, Enabled = before.Identity.Enabled, Desired = before.Identity.Tags.Product },
        OrderStep.Enable or OrderStep.Disable => this with { Enabled = before.Identity!.Enabled },
        _ => this with { Row = before.Row },
    };

    private static RowBefore RowOf(string status) => new(Target.Offering, Target.Product, Target.Customer, status);
}
