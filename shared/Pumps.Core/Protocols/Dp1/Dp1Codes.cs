namespace Pumps.Core.Protocols.Dp1;

/// <summary>The code tables of DP1 (PROTOCOL.md, sections 4 and 5). All of them count from 0 without a hole; an index is a code.</summary>
public static class Dp1Codes
{
    public static readonly IReadOnlyList<string> PumpStates =
        ["stopped", "starting", "running", "stopping", "standby", "fault", "manual", "priming", "flushing"];

    public static readonly IReadOnlyList<string> ValveStates = ["closed", "opening", "open", "closing", "fault"];

    public static readonly IReadOnlyList<string> ControlModes = ["off", "auto", "manual", "schedule", "local"];

    public static readonly IReadOnlyList<string> ResetCauses =
        ["power_on", "brown_out", "watchdog", "software", "firmware_update", "external_pin"];

    public static readonly IReadOnlyList<string> StateCauses = ["local", "remote_command", "schedule", "controller", "alarm", "power_up"];

    public static readonly IReadOnlyList<string> CommandResults =
    [
        "done", "accepted", "unknown_command", "bad_argument", "busy", "not_permitted_local", "interlock", "hardware_failure", "bad_state",
    ];

    public static readonly IReadOnlyList<string> FirmwareStates =
        ["idle", "receiving", "verifying", "ready", "activating", "done", "failed", "aborted"];

    public static readonly IReadOnlyList<string> FirmwareResults =
        ["none", "crc_error", "flash_error", "size_error", "wrong_hardware", "timeout", "low_supply"];

    public static readonly IReadOnlyList<string> BlockStatuses =
        ["stored", "duplicate", "out_of_order", "flash_error", "wrong_image", "bad_block"];

    /// <summary>Actions of FWCTRL; 0 is not an action.</summary>
    public static readonly IReadOnlyList<string?> FirmwareActions = [null, "verify", "activate", "abort", "status"];

    public static readonly IReadOnlyList<string> Severities = ["info", "notice", "warning", "alarm", "critical"];

    /// <summary>The name of a code, or null when the table does not have it.</summary>
    public static string? Label(IReadOnlyList<string?> table, int code) => code < table.Count ? table[code] : null;
}
