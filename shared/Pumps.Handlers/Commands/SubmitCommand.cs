using System.Diagnostics;
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
/// It is durable when the answer is there; <see cref="SendCommands"/> does the rest. What is refused is kept too, with the reason: the audit has it.
/// </remarks>
public sealed partial class SubmitCommand(Catalog catalog, ICommandStore store, ICommandBell bell, TimeProvider time)
{
    public const string IdForm = "1 to 64 of a-z, A-Z, 0-9 and . _ : -";

    // Shorter than the way to a device on a slow link is a command that only ever expires.
    private static readonly TimeSpan TimeToLiveMin = TimeSpan.FromSeconds(5);

    public async Task<Answer<CommandView>> HandleAsync(CommandOrder order, CancellationToken cancel) =>
        await store.FindTargetAsync(order.DeviceId, cancel) is { } target
            ? await HandleAsync(order, target, cancel)
            : new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(order.DeviceId));

    public async Task<Answer<CommandView>> HandleAsync(CommandOrder order, CommandTarget target, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var judged = Judge(catalog, order, target, now);
        if (judged is not Answer<NewCommand>.Found { Value: var command })
        {
            var faults = FaultsOf(judged, order);
            await RefuseAsync(order, target, faults, cancel);
            return judged is Answer<NewCommand>.Refused { Rule: var rule, Detail: var detail }
                ? new Answer<CommandView>.Refused(rule, detail)
                : new Answer<CommandView>.Invalid(faults);
        }

        var (stored, isNew) = await store.AddAsync(command, cancel);
        if (!isNew && !(stored.Order.Command == order.Command && AreSame(stored.Order.Arguments, order.Arguments)))
        {
            var conflict = Conflict(order);
            await RefuseAsync(order, target, [conflict], cancel);
            return new Answer<CommandView>.Refused(conflict.Rule, conflict.Allowed);
        }

        await bell.RingAsync(cancel);
        return new Answer<CommandView>.Found(CommandView.Of(stored));
    }

    /// <summary>Keeps that somebody may not give a command: whose door it was has said so.</summary>
    public Task RefuseRoleAsync(CommandOrder order, CommandTarget target, CancellationToken cancel) =>
        RefuseAsync(order, target, [RoleRequired(order.Command, RoleOf(catalog, target.Product, order.Command))], cancel);

    /// <summary>The command as it would be stored, or why it is not taken.</summary>
    internal static Answer<NewCommand> Judge(Catalog catalog, CommandOrder order, CommandTarget target, DateTimeOffset now)
    {
        if (!IsId(order.Id))
            return new Answer<NewCommand>.Invalid([new("invalid_id", "id", order.Id, IdForm)]);
        if (!catalog.Products.TryGetValue(target.Product, out var product))
            return new Answer<NewCommand>.Refused("unknown_product",
                target.Product.Length == 0 ? "The device has no product yet; register it first." : $"The catalog has no product \"{target.Product}\".");

        var faults = Check(product, order.Command, order.Arguments, out var command);
        var longest = CommandLimits.TimeToLiveMax(target.Protocol);
        if (order.TimeToLive is { } asked && (asked < TimeToLiveMin || asked > longest))
            faults.Add(new("invalid_time_to_live", "timeToLiveSeconds", asked.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                $"{TimeToLiveMin.TotalSeconds} to {longest.TotalSeconds} seconds"));
        if (faults.Count > 0)
            return new Answer<NewCommand>.Invalid(faults);
        if (command!.Confirm && !order.Confirmed)
            return new Answer<NewCommand>.Refused("confirmation_required", $"{command.Name} of {product.Name}: {command.Description} Say that you mean it: \"confirm\": true.");
        return new Answer<NewCommand>.Found(
            new(order, target, JsonSerializer.Serialize(order.Arguments), now, new(now + (order.TimeToLive ?? command.TimeToLive), command.Repeatable)));
    }

    /// <summary>An answer that is not the command, as what is kept and shown of it.</summary>
    internal static IReadOnlyList<Fault> FaultsOf(Answer<NewCommand> answer, CommandOrder order) => answer switch
    {
        Answer<NewCommand>.Invalid invalid => invalid.Faults,
        Answer<NewCommand>.Refused refused => [new(refused.Rule, "command", order.Command, refused.Detail)],
        _ => throw new UnreachableException(),
    };

    /// <summary>Who may give a command. One that nobody knows is refused anyhow; an operator may hear why.</summary>
    internal static CommandRole RoleOf(Catalog catalog, string product, string command) =>
        catalog.Products.GetValueOrDefault(product)?.Find(command).Command?.Role ?? CommandRole.Operator;

    internal static Fault RoleRequired(string command, CommandRole role) =>
        new(PortalAccess.RoleRequired, "command", command, PortalAccess.ForRole(role));

    /// <summary>The device has another command of this id.</summary>
    public static Fault Conflict(CommandOrder order) => new("idempotency_conflict", "id", order.Id, $"The id \"{order.Id}\" belongs to another command of {order.DeviceId}.");

    internal static bool IsId(string id) => Id().IsMatch(id);

    internal static bool AreSame(IReadOnlyDictionary<string, JsonElement> a, IReadOnlyDictionary<string, JsonElement> b) =>
        a.Count == b.Count && a.All(argument => b.TryGetValue(argument.Key, out var other) && JsonElement.DeepEquals(argument.Value, other));

    /// <summary>What is wrong with a command for devices of a product, apart from its time.</summary>
    internal static List<Fault> Check(
        Product product, string name, IReadOnlyDictionary<string, JsonElement> arguments, out ProductCommand? command)
    {
        (command, var instance) = product.Find(name);
        if (command is null)
            return [new("unknown_command", "command", name, product.Commands.Count == 0
                ? $"nothing: a {product.Id} takes no commands"
                : "one of " + string.Join(", ", product.Commands.Select(c => c.Allowed)))];
        if (!command.Takes(instance))
            return [new("unknown_instance", "command", name, command.Allowed)];

        var wrong = new List<ArgumentFault>();
        command.Bind(arguments, wrong);
        return [.. wrong.Select(w => new Fault(
            w.Kind switch
            {
                ArgumentFaultKind.Missing => "missing_argument",
                ArgumentFaultKind.Unknown => "unknown_argument",
                _ => "invalid_argument",
            }, "arguments." + w.Argument, w.Given, w.Allowed))];
    }

    private Task RefuseAsync(CommandOrder order, CommandTarget target, IReadOnlyList<Fault> faults, CancellationToken cancel) =>
        store.RefuseAsync(order, new(target.DeviceId, target.Customer, faults), time.GetUtcNow(), cancel);

    [GeneratedRegex("^[A-Za-z0-9._:-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
