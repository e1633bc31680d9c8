using System.Globalization;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Commands;

/// <summary>Writes commands as frames, by the codecs of the protocols.</summary>
public static class CommandFrames
{
    // The cloud need not tell a DP1 device the time with every command; the field is informative (PROTOCOL.md, section 3).
    private const uint NoClock = uint.MaxValue;

    /// <param name="identity">DP1 serial number or DP2 EUI-64.</param>
    /// <param name="instance">Which of the command's parts it is for; null: the device itself.</param>
    /// <param name="values">In the order of the command's arguments, from <see cref="ProductCommand.Bind"/>.</param>
    /// <param name="correlation">DP1: the token as decimal text; DP2: hex.</param>
    /// <param name="downlink">Number of the frame among all that were sent down to the device; the wire carries its low bits.</param>
    /// <param name="utcOffsetMinutes">DP1: minutes that the device's clock is ahead of UTC, for a command that sets it.</param>
    public static byte[] Encode(
        Protocol protocol, ulong identity, ProductCommand command, uint? instance, long[] values, string correlation, long downlink, DateTimeOffset now,
        DateTimeOffset expiresAt, int utcOffsetMinutes = 0) =>
        protocol is Protocol.Dp1
            ? Dp1(identity, command, values, correlation, downlink, now, utcOffsetMinutes)
            : Dp2(identity, command, instance, values, correlation, downlink, now, expiresAt);

    /// <summary>The number in a device's id, which its frames carry.</summary>
    public static ulong Identity(string deviceId) => deviceId.StartsWith("dp1-", StringComparison.Ordinal)
        ? uint.Parse(deviceId.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture)
        : ulong.Parse(deviceId.AsSpan(4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static byte[] Dp1(ulong identity, ProductCommand command, long[] values, string correlation, long downlink, DateTimeOffset now, int utcOffsetMinutes)
    {
        var code = (byte)command.Code;
        var info = Dp1CommandInfo.Find(code) ?? throw new ArgumentException($"DP1 has no command {code}.", nameof(command));
        // A field without an argument has one value only: 0, or the key of reboot.
        long argument1 = info.Argument1Min, argument2 = command.SetsClock ? Dp1Encoder.ClockAt(now, utcOffsetMinutes) : info.Argument2Min;
        for (var i = 0; i < values.Length; i++)
            if (command.Arguments[i].Field == 1)
                argument1 = values[i];
            else
                argument2 = values[i];

        Span<byte> frame = stackalloc byte[Dp1Encoder.SizeMax];
        var token = ushort.Parse(correlation, NumberStyles.None, CultureInfo.InvariantCulture);
        var size = Dp1Encoder.Command(
            frame, new((uint)identity, unchecked((byte)downlink), NoClock), new(token, code, checked((short)argument1), checked((uint)argument2)));
        return frame[..size].ToArray();
    }

    private static byte[] Dp2(
        ulong identity, ProductCommand command, uint? instance, long[] values, string correlation, long downlink, DateTimeOffset now, DateTimeOffset expiresAt)
    {
        Dp2PathStep[]? path = command.Component is { Group: var group } && instance is { } number ? [new(group, number)] : null;
        var body = new Dp2Command(Convert.FromHexString(correlation), command.Code, (ulong)expiresAt.ToUnixTimeMilliseconds(), path);
        return Dp2Encoder.Encode(
            new Dp2Header(identity, unchecked((uint)downlink), now.ToUnixTimeMilliseconds()), body, command.Dictionary, command.Revision,
            values.Length == 0 ? null : points =>
            {
                for (var i = 0; i < values.Length; i++)
                    if (command.Arguments[i] is { Type: PointType.Decimal or PointType.Int, Field: var id })
                        points.Signed(id, values[i]);
                    else
                        points.Unsigned(command.Arguments[i].Field, checked((ulong)values[i]));
            });
    }
}
