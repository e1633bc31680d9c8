using System.Diagnostics;
using System.Text.Json;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>One command for many devices.</summary>
/// <param name="Id">As of a <see cref="CommandOrder"/>; each device's command has it.</param>
public sealed record GroupOrder(
    string Id, IReadOnlyList<string> Devices, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, bool Confirmed,
    TimeSpan? TimeToLive);

/// <summary>What became of the order for one device: its command, or why there is none.</summary>
public sealed record GroupLine(string DeviceId, CommandView? Command, IReadOnlyList<Fault>? Errors);

/// <summary>What became of the order, device by device in the order given.</summary>
public sealed record GroupReceipt(string Id, int Queued, int Refused, IReadOnlyList<GroupLine> Items);

/// <summary>Gives one command to many devices; each stands for itself.</summary>
/// <remarks>Safe to repeat: a device that has its command already keeps it. A port that is away is an exception, and the commands before it stay given.</remarks>
public sealed class SubmitGroup(SubmitCommand submit)
{
    /// <summary>Devices in one order: the pumps of a large site. Longer lists hold a connection open for too long.</summary>
    public const int DevicesMax = 1000;

    // A connection to the database each.
    private const int AtOnce = 8;

    public async Task<GroupReceipt> HandleAsync(GroupOrder order, CancellationToken cancel)
    {
        var lines = new GroupLine[order.Devices.Count];
        await Parallel.ForAsync(0, lines.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (i, stop) =>
        {
            var device = order.Devices[i];
            var answer = await submit.HandleAsync(
                new(order.Id, device, order.Command, order.Arguments, order.RequestedBy, order.Origin, order.Confirmed, order.TimeToLive) { Group = order.Id }, stop);
            lines[i] = answer switch
            {
                Answer<CommandView>.Found found => new(device, found.Value, null),
                Answer<CommandView>.Invalid invalid => new(device, null, invalid.Faults),
                Answer<CommandView>.Refused refused => new(device, null, [new(refused.Rule, "command", order.Command, refused.Detail)]),
                Answer<CommandView>.Absent => new(device, null, [new("unknown_device", "devices", device, "a device of this region")]),
                _ => throw new UnreachableException(),
            };
        });
        var queued = lines.Count(l => l.Command is not null);
        return new(order.Id, queued, lines.Length - queued, lines);
    }
}
