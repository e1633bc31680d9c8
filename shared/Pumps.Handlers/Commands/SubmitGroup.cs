using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>One command for many devices.</summary>
/// <param name="Id">As of a <see cref="CommandOrder"/>; each device's command has it.</param>
public sealed record GroupOrder(
    string Id, GroupTarget Target, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, bool Confirmed,
    TimeSpan? TimeToLive)
{
    public CommandOrder For(string device) => new(Id, device, Command, Arguments, RequestedBy, Origin, Confirmed, TimeToLive) { Group = Id };
}

/// <summary>A group as it was taken.</summary>
/// <param name="Devices">How many devices it was for.</param>
/// <param name="Queued">How many of them have got its command.</param>
public sealed record StoredGroup(
    string Id, GroupTarget Target, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, int Devices, int Queued,
    DateTimeOffset CreatedAt);

/// <summary>What became of a group for one device: its command, or why there is none.</summary>
public sealed record StoredLine(string DeviceId, StoredCommand? Command, IReadOnlyList<Fault>? Faults);

/// <summary>A device that does not get a command.</summary>
/// <param name="Customer">Empty for a device that is not there.</param>
public sealed record RefusedDevice(string DeviceId, string Customer, IReadOnlyList<Fault> Faults);

/// <summary>Gives one command to many devices; each stands for itself.</summary>
/// <remarks>
/// Safe to repeat: the devices are found once, and everything is stored in one transaction; the same id again says what became of it. A device that
/// does not get the command is in the receipt, and in its audit, with the reason.
/// </remarks>
public sealed class SubmitGroup(Catalog catalog, ICommandStore store, ICommandBell bell, TimeProvider time)
{
    /// <summary>Devices of one group: a large customer's. All of them are stored at once, and none of them takes another command meanwhile.</summary>
    public const int DevicesMax = 5000;

    // As the catalog has them, and some more: a name that is merely unknown is each device's affair.
    private const int CommandMax = 64;

    /// <param name="allows">Whether whoever asks may give commands of this role.</param>
    public async Task<Answer<StoredGroup>> HandleAsync(GroupOrder order, Func<CommandRole, ValueTask<bool>> allows, CancellationToken cancel)
    {
        if (Check(order) is { Count: > 0 } faults)
            return new Answer<StoredGroup>.Invalid(faults);
        if (await store.FindGroupAsync(order.Id, cancel) is { } before)
            return Same(before, order);

        var targets = await store.FindTargetsAsync(order.Target, DevicesMax + 1, cancel);
        if (targets.Count > DevicesMax)
            return new Answer<StoredGroup>.Refused("too_many_devices", $"These are more than {DevicesMax} devices, the most that one group takes. Name a site or a tag with fewer.");
        if (targets.Count == 0 && order.Target.Devices is null)
            return new Answer<StoredGroup>.Refused("no_devices", "No device has all that the target names: site, tag, customer.");

        var now = time.GetUtcNow();
        var commands = new List<NewCommand>(targets.Count);
        var refused = new List<RefusedDevice>();
        foreach (var target in targets)
        {
            var (command, why) = await JudgeAsync(order.For(target.DeviceId), target, allows, now);
            if (command is not null)
                commands.Add(command);
            else
                refused.Add(new(target.DeviceId, target.Customer, why));
        }

        refused.AddRange((order.Target.Devices ?? []).Except(targets.Select(t => t.DeviceId))
            .Select(missing => new RefusedDevice(missing, "", [new("unknown_device", "devices", missing, "a device of this region")])));

        var (group, isNew) = await store.AddGroupAsync(order, commands, refused, now, cancel);
        if (!isNew)
            return Same(group, order);
        await bell.RingAsync(cancel);
        return new Answer<StoredGroup>.Found(group);
    }

    private async ValueTask<(NewCommand? Command, IReadOnlyList<Fault> Faults)> JudgeAsync(
        CommandOrder order, CommandTarget target, Func<CommandRole, ValueTask<bool>> allows, DateTimeOffset now)
    {
        var role = SubmitCommand.RoleOf(catalog, target.Product, order.Command);
        return await allows(role)
            ? SubmitCommand.Judge(catalog, order, target, now) switch
            {
                Answer<NewCommand>.Found { Value: var command } => (command, []),
                var answer => (null, SubmitCommand.FaultsOf(answer, order)),
            }
            : (null, [SubmitCommand.RoleRequired(order.Command, role)]);
    }

    private static List<Fault> Check(GroupOrder order)
    {
        var faults = new List<Fault>();
        if (!SubmitCommand.IsId(order.Id))
            faults.Add(new("invalid_id", "id", order.Id, SubmitCommand.IdForm));
        if (order.Command.Length is 0 or > CommandMax || order.Command.Any(char.IsControl))
            faults.Add(new("unknown_command", "command", order.Command, "a command that /api/catalog lists"));
        // A tag is its customer's own word: another customer's may be the same.
        if (order.Target is { Devices: null, Site: null, Customer: null, Tag: var tag })
            faults.Add(new("missing_target", tag is null ? "devices" : "customer", null, "devices; or a site or a customer, with or without a tag"));
        order.Target.Check(faults);
        return faults;
    }

    private static Answer<StoredGroup> Same(StoredGroup group, GroupOrder order) =>
        group.Command == order.Command && SubmitCommand.AreSame(group.Arguments, order.Arguments)
        && group.Target with { Devices = null } == order.Target with { Devices = null }
        && (group.Target.Devices ?? []).SequenceEqual(order.Target.Devices ?? [])
            ? new Answer<StoredGroup>.Found(group)
            : new Answer<StoredGroup>.Refused("idempotency_conflict", $"The id \"{order.Id}\" belongs to another group of commands.");
}
