using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Provisioning;

/// <summary>Carries out what the machine of an order asks for: one step, or its undo.</summary>
/// <remarks>
/// Every effect is safe to repeat. A registry that is away is trouble of this order, which is tried again later; a database that is away is an
/// exception, because then nothing could be kept.
/// </remarks>
public sealed class PerformStep(
    IDeviceRegistry registry, IDeviceRows rows, Catalog catalog, IOptions<ProvisioningOptions> options, ILogger<PerformStep> log)
{
    public const string Ordered = "ordered";
    public const string Active = "active";
    public const string Suspended = "suspended";
    public const string Retired = "retired";

    /// <summary>What the present signal of an order is, after carrying out what it asks for, if anything.</summary>
    public async Task<OrderSignal> HandleAsync(StoredOrder order, CancellationToken cancel)
    {
        var state = order.State;
        if (order.IsCancelled && state.Phase is OrderPhase.Doing or OrderPhase.Waiting && !state.Step.IsFinal())
            return new OrderSignal.Cancelled();
        if (state.Phase is OrderPhase.Waiting)
            return state.Step is OrderStep.AwaitHello && order.Hello is { } hello ? new OrderSignal.Hello(Misfit(order, hello))
                : state.Step is OrderStep.AwaitConfirmation && order.IsConfirmed ? new OrderSignal.Confirmed()
                : new OrderSignal.TimePassed();

        var effect = OrderMachine.Pending(state)[0];
        try
        {
            return effect.Undo ? await UndoAsync(order, effect, cancel) : await DoAsync(order, effect, cancel);
        }
        catch (Exception trouble) when (DeviceTrouble.Is(trouble, cancel))
        {
            log.StepMetTrouble(order.Id, order.DeviceId, effect.Step, trouble);
            return new OrderSignal.Trouble(effect, trouble.GetType().Name);
        }
    }

    private async Task<OrderSignal> DoAsync(StoredOrder order, OrderEffect effect, CancellationToken cancel)
    {
        switch (effect.Step)
        {
            case OrderStep.Admit:
                return await AdmitAsync(order, effect, cancel);

            case OrderStep.Register:
                var registered = await registry.RegisterAsync(order.Target!, Desired(order.Target!.Product), cancel);
                // A device that comes back may have been suspended before; a change leaves that as it is.
                if (order.State.Kind is OrderKind.Provision && !registered.Enabled)
                    await registry.SetEnabledAsync(order.DeviceId, true, cancel);
                return new OrderSignal.Done(effect);

            case OrderStep.MarkOrdered:
                await rows.KeepAsync(order.Target!, Ordered, order.Site, cancel);
                return new OrderSignal.Done(effect);

            case OrderStep.MarkChanged:
                await rows.KeepAsync(order.Target!, null, order.Site, cancel);
                return new OrderSignal.Done(effect);

            case OrderStep.MarkActive:
                return Known(effect, await rows.MarkAsync(order.DeviceId, Active, cancel));

            case OrderStep.MarkSuspended:
                return Known(effect, await rows.MarkAsync(order.DeviceId, Suspended, cancel));

            case OrderStep.MarkRetired:
                return Known(effect, await rows.MarkAsync(order.DeviceId, Retired, cancel));

            case OrderStep.Disable:
                return Known(effect, await registry.SetEnabledAsync(order.DeviceId, false, cancel));

            case OrderStep.Enable:
                return Known(effect, await registry.SetEnabledAsync(order.DeviceId, true, cancel));

            case OrderStep.RenewSecondary:
                return Known(effect, await registry.SetKeyAsync(order.DeviceId, DeviceKeySlot.Secondary, DeviceKey.Create(), cancel));

            case OrderStep.RenewPrimary:
                return Known(effect, await registry.SetKeyAsync(order.DeviceId, DeviceKeySlot.Primary, DeviceKey.Create(), cancel));

            case OrderStep.RemoveIdentity:
                await registry.RemoveAsync(order.DeviceId, cancel);
                return new OrderSignal.Done(effect);

            default:
                throw new InvalidOperationException($"Step {effect.Step} is not something that is done.");
        }
    }

    private async Task<OrderSignal> AdmitAsync(StoredOrder order, OrderEffect effect, CancellationToken cancel)
    {
        var identity = await registry.FindAsync(order.DeviceId, cancel);
        var before = new DeviceBefore(
            identity is null ? null : new(TagsOf(identity.Device), identity.Enabled), await rows.FindAsync(order.DeviceId, cancel));
        var devices = options.Value.DevicesMax is not null && order.Target is { } target ? await rows.CountAsync(target.Customer, order.Id, cancel) : 0;

        return Admission.Refusal(
            order.State.Kind, order.Target is null ? null : TagsOf(order.Target), before, devices, options.Value.DevicesMax, options.Value.StockCustomer) is { } broken
            ? new OrderSignal.Refused(effect, broken.Rule, broken.Detail)
            : new OrderSignal.Done(effect, before);
    }

    private async Task<OrderSignal> UndoAsync(StoredOrder order, OrderEffect effect, CancellationToken cancel)
    {
        // Admit comes first and leaves what it found, so a step that can be taken back has it.
        var before = order.State.Before ?? throw new InvalidOperationException($"Order {order.Id} does not know how it found its device.");
        switch (effect.Step)
        {
            case OrderStep.Register when before.Identity is null:
                await registry.RemoveAsync(order.DeviceId, cancel);
                break;

            case OrderStep.Register:
                await registry.RegisterAsync(RegistrationOf(order.DeviceId, before.Identity.Tags), Desired(before.Identity.Tags.Product), cancel);
                await registry.SetEnabledAsync(order.DeviceId, before.Identity.Enabled, cancel);
                // The offset is that of when the order was admitted. The row came back before it, if it was changed at all.
                await rows.LookAtClockAsync(order.DeviceId, cancel);
                break;

            case OrderStep.Disable or OrderStep.Enable:
                await registry.SetEnabledAsync(order.DeviceId, before.Identity!.Enabled, cancel);
                break;

            case OrderStep.MarkOrdered or OrderStep.MarkActive or OrderStep.MarkChanged or OrderStep.MarkSuspended or OrderStep.MarkRetired:
                await rows.RestoreAsync(order.DeviceId, before.Row, order.Site is not null, cancel);
                break;

            default:
                throw new InvalidOperationException($"Step {effect.Step} cannot be taken back.");
        }

        return new OrderSignal.Done(effect);
    }

    private string? Misfit(StoredOrder order, DeviceHello hello) =>
        catalog.Products.TryGetValue(order.Target!.Product, out var product) ? ProductFit.Misfit(product, hello) : $"The catalog has no product {order.Target.Product} any more.";

    /// <summary>What the catalog wants a device of a product to do, as desired properties.</summary>
    private string? Desired(string product) => catalog.Products.TryGetValue(product, out var known)
        ? string.Create(CultureInfo.InvariantCulture, $$"""{"product":{{JsonSerializer.Serialize(known.Id)}},"reportIntervalSeconds":{{known.ReportIntervalSeconds}}}""")
        : null;

    private static OrderSignal Known(OrderEffect effect, bool known) => known
        ? new OrderSignal.Done(effect)
        : new OrderSignal.Refused(effect, "unknown_device", "There is no such device any more.");

    private static DeviceTags TagsOf(DeviceRegistration device) =>
        new(device.Protocol, device.Offering, device.Product, device.Customer, device.Region, device.UtcOffsetMinutes);

    private static DeviceRegistration RegistrationOf(string id, DeviceTags tags) =>
        new(id, tags.Protocol, tags.Offering, tags.Product, tags.Customer, tags.Region, tags.UtcOffsetMinutes);
}
