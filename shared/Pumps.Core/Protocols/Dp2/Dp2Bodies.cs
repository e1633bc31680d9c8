using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>How the receiver's dictionary compares with the one a frame was written for (section 5.2).</summary>
public enum Dp2DictionaryStatus : byte
{
    Known,
    Newer,
    Unknown,
}

/// <summary>The dictionary that a message names. Null stands for "absent on the wire" in all members of bodies.</summary>
/// <param name="Revision">The revision of the sender.</param>
/// <param name="Definition">What the receiver knows of it; null when it does not know the dictionary.</param>
public readonly record struct Dp2DictionaryReference(ushort Id, ushort Revision, DataDictionary? Definition)
{
    public Dp2DictionaryStatus Status =>
        Definition is null ? Dp2DictionaryStatus.Unknown
        : Revision > Definition.Revision ? Dp2DictionaryStatus.Newer
        : Dp2DictionaryStatus.Known;
}

/// <summary>One step of a path in a message field: the instance of a group.</summary>
public readonly record struct Dp2PathStep(uint Group, ulong Instance);

/// <summary>What a message says beside its datapoints. Telemetry has none: all of it is in the frame.</summary>
public abstract record Dp2Body;

/// <param name="At">Offset to the effective time of the frame, ms.</param>
/// <param name="Path">The container the event is about; its dictionary gives the meaning of code, states and points. Null when absent.</param>
public sealed record Dp2Event(
    uint Code, byte Severity, byte? Phase = null, long? At = null, string? Text = null, ulong? EventId = null,
    Dp2PathStep[]? Path = null, Dp2Transition? Transition = null, Dp2FirmwareProgress? Firmware = null) : Dp2Body
{
    /// <summary>The dictionary of the event's container; null when it is not known.</summary>
    public DataDictionary? InForce { get; init; }

    /// <summary>The path as text, such as <c>pumps[2]</c>.</summary>
    public string PathText { get; init; } = "";

    /// <summary>When it happened, ms since 1970 UTC.</summary>
    public long AtMs { get; init; }

    public string? Name => Code < Dp2Limits.DatapointIdMin
        ? Dp2Names.SystemEvent(Code)
        : InForce?.Events.GetValueOrDefault(Code)?.Name;

    public string? StateName(uint state) => InForce?.States?.GetValueOrDefault(state);
}

public sealed record Dp2Transition(ushort From, ushort To, ushort? Cause = null);

public sealed record Dp2FirmwareProgress(uint Transfer, byte State, ushort? Received = null, ushort? Total = null, byte? Result = null);

public sealed record Dp2Response(
    byte[] Correlation, byte Status, byte? Reason = null, string? Text = null, byte? Progress = null) : Dp2Body;

/// <summary>What a device says of itself after every start (section 5.3).</summary>
public sealed record Dp2Describe : Dp2Body
{
    public string? Model { get; init; }

    public string? Firmware { get; init; }

    public string? Serial { get; init; }

    public byte[]? DictionaryHash { get; init; }

    public ulong? Capabilities { get; init; }

    public IReadOnlyList<Dp2Definition> Definitions { get; init; } = [];

    public ushort? FrameMax { get; init; }

    public uint? BootCount { get; init; }
}

/// <summary>One datapoint of a trial dictionary, described in band.</summary>
/// <param name="Min">Mantissa at <paramref name="Exponent"/>, or at 0.</param>
/// <param name="Access">1 r, 2 w, 3 rw; null reads as r.</param>
public sealed record Dp2Definition(
    uint Id, string Name, PointType Type, string? Unit = null, sbyte? Exponent = null, long? Min = null, long? Max = null,
    KeyValuePair<ushort, string>[]? Labels = null, ushort? Child = null, ushort? ChildRevision = null, byte? Access = null);

public sealed record Dp2FirmwareStatus(
    uint Transfer, byte State, byte? Result = null, ushort? ChunkCount = null, ushort? Base = null, byte[]? Bitmap = null,
    ushort? Received = null, ushort? Window = null, string? Running = null) : Dp2Body
{
    /// <summary>Ranges of chunks, both ends included, that the bitmap shows as not stored.</summary>
    public IEnumerable<(int First, int Last)> Missing()
    {
        if (Bitmap is null || Base is not { } start || ChunkCount is not { } count)
            yield break;

        var end = Math.Min(count, start + Bitmap.Length * 8);
        var first = -1;
        for (var chunk = (int)start; chunk < end; chunk++)
        {
            var bit = chunk - start;
            var stored = (Bitmap[bit >> 3] & (1 << (bit & 7))) != 0;
            if (!stored && first < 0)
                first = chunk;
            if (stored && first >= 0)
            {
                yield return (first, chunk - 1);
                first = -1;
            }
        }

        if (first >= 0)
            yield return (first, end - 1);
    }
}

/// <param name="Expires">Absolute ms, 0 for never.</param>
/// <param name="Mode">0 execute, 1 validate only; null reads as execute.</param>
public sealed record Dp2Command(byte[] Correlation, uint Code, ulong Expires, Dp2PathStep[]? Path = null, byte? Mode = null) : Dp2Body
{
    /// <summary>The dictionary of the container the command is for; null when it is not known, which refuses the command.</summary>
    public DataDictionary? InForce { get; init; }

    public string PathText { get; init; } = "";

    public string? Name => InForce?.Commands.GetValueOrDefault(Code)?.Name;
}

/// <param name="Manifest">The manifest bytes exactly as signed.</param>
/// <param name="Content">What the manifest says; null until the signature has been found valid.</param>
public sealed record Dp2FirmwareOffer(uint Transfer, byte[] Manifest, byte[] Signature, byte[] KeyId, Dp2Manifest? Content = null) : Dp2Body;

public sealed record Dp2FirmwareChunk(uint Transfer, ushort Index, byte[] Data) : Dp2Body;

/// <param name="At">When to activate, ms since 1970 UTC; only with action 3.</param>
public sealed record Dp2FirmwareControl(uint Transfer, byte Action, ulong? At = null) : Dp2Body;

public sealed record Dp2Ack(uint[] Sequences) : Dp2Body;
