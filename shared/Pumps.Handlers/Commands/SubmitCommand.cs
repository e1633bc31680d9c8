using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>Takes a command for a device: checks it against the product, and puts it behind the device's others.</summary>
/// <remarks>
/// Safe to repeat: the same id for the same device is the same command; the answer says where it stands. The same id with another command is refused.
/// It is durable when the answer is there; <see cref="SendCommands"/> does the rest.
/// </remarks>
public sealed partial class SubmitCommand(Catalog catalog, ICommandStore store, ICommandBell bell, TimeProvider time)
{
    public const string IdForm = "1 to 64 of a-z, A-Z, 0-9 and . _ : -";

    // Shorter than the way to a device on a slow link is a command that only ever expires.
    private static readonly TimeSpan TimeToLiveMin = TimeSpan.FromSeconds(5);

    public async Task<Answer<CommandView>> HandleAsync(CommandOrder order, CancellationToken cancel)
    {
        if (!Id().IsMatch(order.Id))
            return new Answer<CommandView>.Invalid([new("invalid_id", "id", order.Id, IdForm)]);
        if (await store.FindTargetAsync(order.DeviceId, cancel) is not { } target)
            return new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(order.DeviceId));
        if (!catalog.Products.TryGetValue(target.Product, out var product))
            return new Answer<CommandView>.Refused("unknown_product",
                target.Product.Length == 0 ? "The device has no product yet; register it first." : $"The catalog has no product \"{target.Product}\".");

        var faults = new List<Fault>();
        var command = product.Commands.FirstOrDefault(c => c.Name == order.Command);
        if (command is null)
            faults.Add(new("unknown_command", "command", order.Command, product.Commands.Count == 0
                ? $"nothing: a {product.Id} takes no commands"
                : "one of " + string.Join(", ", product.Commands.Select(c => c.Name))));
        else
            Bind(command, order, faults);

        var longest = CommandLimits.TimeToLiveMax(target.Protocol);
        if (order.TimeToLive is { } asked && (asked < TimeToLiveMin || asked > longest))
            faults.Add(new("invalid_time_to_live", "timeToLiveSeconds", asked.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                $"{TimeToLiveMin.TotalSeconds} to {longest.TotalSeconds} seconds"));
        if (faults.Count > 0)
            return new Answer<CommandView>.Invalid(faults);
        if (command!.Confirm && !order.Confirmed)
            return new Answer<CommandView>.Refused("confirmation_required", $"{command.Name} of {product.Name}: {command.Description} Say that you mean it: \"confirm\": true.");

        var now = time.GetUtcNow();
        var (stored, isNew) = await store.AddAsync(
            new(order, target, JsonSerializer.Serialize(order.Arguments), now, new(now + (order.TimeToLive ?? command.TimeToLive), command.Repeatable)), cancel);
        if (!isNew && !IsSame(stored.Order, order))
            return new Answer<CommandView>.Refused("idempotency_conflict", $"The id \"{order.Id}\" belongs to another command of {order.DeviceId}.");

        await bell.RingAsync(cancel);
        return new Answer<CommandView>.Found(CommandView.Of(stored));
    }

    private static void Bind(ProductCommand command, CommandOrder order, List<Fault> faults)
    {
        var wrong = new List<ArgumentFault>();
        command.Bind(order.Arguments, wrong);
        faults.AddRange(wrong.Select(w => new Fault(
            w.Kind switch
            {
                ArgumentFaultKind.Missing => "missing_argument",
                ArgumentFaultKind.Unknown => "unknown_argument",
                _ => "invalid_argument",
            }, "arguments." + w.Argument, w.Given, w.Allowed)));
    }

    private static bool IsSame(CommandOrder a, CommandOrder b) =>
        a.Command == b.Command && a.Arguments.Count == b.Arguments.Count
        && a.Arguments.All(argument => b.Arguments.TryGetValue(argument.Key, out var other) && JsonElement.DeepEquals(argument.Value, other));

    [GeneratedRegex("^[A-Za-z0-9._:-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
