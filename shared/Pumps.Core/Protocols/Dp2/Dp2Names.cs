using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>The names that the protocol gives to its codes. A code outside its table has no name (null).</summary>
public static class Dp2Names
{
    private static readonly string[] Wires = ["uvarint", "svarint", "bytes", "f32", "f64", "dec", "null", "group"];

    private static readonly string[] Qualities = ["good", "not_available", "out_of_range", "unknown_enum", "type_mismatch", "unknown_id"];

    private static readonly string[] Types =
        ["", "bool", "uint", "int", "decimal", "float32", "float64", "string", "bytes", "enum", "bitmask", "group"];

    private static readonly string[] Severities = ["info", "notice", "warning", "alarm", "critical"];

    private static readonly string[] Phases = ["momentary", "raised", "cleared"];

    private static readonly string[] SystemEvents =
    [
        "boot", "state_change", "firmware_progress", "clock_changed", "config_changed",
        "link_restored", "watchdog_reset", "buffer_overflow", "dictionary_changed",
    ];

    private static readonly string[] Modes = ["execute", "validate_only"];

    private static readonly string[] ResponseStatuses = ["accepted", "in_progress", "done", "rejected", "failed", "expired", "duplicate"];

    private static readonly string[] ResponseReasons =
    [
        "none", "unknown_command", "bad_argument", "busy", "not_permitted_local", "interlock", "hardware_failure",
        "bad_state", "expired", "duplicate", "dictionary_mismatch", "unsupported",
    ];

    private static readonly string[] FirmwareStates =
    [
        "idle", "downloading", "downloaded", "verifying", "verified", "activating",
        "trial_boot", "confirmed", "rolled_back", "failed", "cancelled",
    ];

    private static readonly string[] FirmwareResults =
    [
        "none", "no_space", "bad_signature", "bad_hash", "wrong_product", "wrong_hardware", "downgrade_refused", "flash_error",
        "timeout", "power_low", "user_denied", "unknown_key", "bad_manifest", "unknown_transfer",
    ];

    private static readonly string[] FirmwareActions = ["query", "cancel", "activate", "confirm", "rollback"];

    private static readonly string[] Accesses = ["r", "w", "rw"];

    private static readonly string[] Statuses = ["known", "newer", "unknown"];

    public static string Name(this WireType wire) => Wires[(int)wire];

    public static string Name(this Quality quality) => Qualities[(int)quality];

    public static string Name(this PointType type) => Types[(int)type];

    public static string Name(this Dp2DictionaryStatus status) => Statuses[(int)status];

    public static string? Severity(uint code) => At(Severities, code);

    public static string? Phase(uint code) => At(Phases, code);

    /// <summary>Name of an event code 1..15; those from 16 on are named by the dictionary.</summary>
    public static string? SystemEvent(uint code) => At(SystemEvents, code - 1);

    public static string? CommandMode(uint code) => At(Modes, code);

    public static string? ResponseStatus(uint code) => At(ResponseStatuses, code);

    public static string? ResponseReason(uint code) => At(ResponseReasons, code);

    public static string? FirmwareState(uint code) => At(FirmwareStates, code);

    public static string? FirmwareResult(uint code) => At(FirmwareResults, code);

    public static string? FirmwareAction(uint code) => At(FirmwareActions, code - 1);

    public static string? Access(uint code) => At(Accesses, code - 1);

    private static string? At(string[] names, uint code) => code < names.Length ? names[code] : null;
}
