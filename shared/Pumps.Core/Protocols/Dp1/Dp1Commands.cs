namespace Pumps.Core.Protocols.Dp1;

/// <summary>One command of the table in PROTOCOL.md, section 4.10: its name and the values its two arguments may have, both ends included.</summary>
public sealed record Dp1CommandInfo(byte Code, string Name, short Argument1Min, short Argument1Max, uint Argument2Min, uint Argument2Max)
{
    /// <summary>The command whose argument is a time, and so is made when it is sent.</summary>
    public const string SetClock = "set_clock";

    private const uint RebootKey = 0xB007B007;

    private static readonly Dp1CommandInfo[] Table =
    [
        new(1, "start", 0, 0, 0, 0),
        new(2, "stop", 0, 0, 0, 0),
        new(3, "set_speed", 600, 6000, 0, 0),
        new(4, "set_pressure", 0, 2500, 0, 0),
        new(5, "open_valve", 0, 0, 0, 0),
        new(6, "close_valve", 0, 0, 0, 0),
        new(7, "reset_alarms", 0, 0, 0, 0xFFFFFF),
        new(8, SetClock, 0, 0, 0, 0xFFFFFFFE),
        new(9, "read_status", 0, 0, 0, 0),
        new(10, "read_counters", 0, 0, 0, 0),
        new(11, "read_buffer", 1, 19, 0, 0),
        new(12, "set_interval", 10, 32767, 0, 0),
        new(13, "set_mode", 0, 4, 0, 0),
        new(14, "reboot", 0, 0, RebootKey, RebootKey),
        new(15, "set_param", 1, 199, 0, uint.MaxValue),
        new(16, "read_param", 1, 199, 0, 0),
    ];

    public static IReadOnlyList<Dp1CommandInfo> All => Table;

    /// <summary>The command with this code, or null.</summary>
    public static Dp1CommandInfo? Find(byte code) => code - 1u < (uint)Table.Length ? Table[code - 1] : null;

    /// <summary>The command with this name, or null.</summary>
    public static Dp1CommandInfo? Find(string name) => Array.Find(Table, command => command.Name == name);

    public bool AllowsArgument1(short value) => value >= Argument1Min && value <= Argument1Max;

    public bool AllowsArgument2(uint value) => value >= Argument2Min && value <= Argument2Max;
}
