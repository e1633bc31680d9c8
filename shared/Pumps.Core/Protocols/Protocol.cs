namespace Pumps.Core.Protocols;

/// <summary>How the bytes of a device are read. The wire names are <c>dp1</c> and <c>dp2</c>.</summary>
public enum Protocol : byte
{
    Dp1 = 1,
    Dp2 = 2,
}

/// <summary>Which way a frame travels: up from the device, down to it.</summary>
public enum Direction : byte
{
    Up,
    Down,
}

/// <summary>What a frame is for; the same words for both protocols (DP1 section 4, DP2 section 3).</summary>
public enum FrameKind : byte
{
    Telemetry,
    Event,
    Response,
    Describe,
    FirmwareStatus,
    Command,
    FirmwareOffer,
    FirmwareChunk,
    FirmwareControl,
    Ack,
}

/// <summary>How far a device's time stamp was trusted (DP1 section 3, DP2 section 11).</summary>
public enum ClockQuality : byte
{
    Ok,
    Unset,
    Future,
    Past,
    Unchecked,
}

/// <summary>The names that stand in decoded output, on feeds and in metrics.</summary>
public static class ProtocolNames
{
    private static readonly string[] Kinds =
    [
        "telemetry", "event", "response", "describe", "firmware_status",
        "command", "firmware_offer", "firmware_chunk", "firmware_control", "ack",
    ];

    private static readonly string[] Clocks = ["ok", "unset", "future", "past", "unchecked"];

    public static string Name(this Protocol protocol) => protocol is Protocol.Dp1 ? "dp1" : "dp2";

    public static string Name(this Direction direction) => direction is Direction.Up ? "up" : "down";

    public static string Name(this FrameKind kind) => Kinds[(int)kind];

    public static string Name(this ClockQuality quality) => Clocks[(int)quality];
}
