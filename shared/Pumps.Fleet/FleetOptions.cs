using Pumps.Core.Protocols;

namespace Pumps.Fleet;

/// <summary>The product lines that a fleet can have; their names are those of the catalog.</summary>
public enum FleetProduct : byte
{
    IrrigationPumpV1,
    IrrigationPumpV2,
    IrrigationStation,
    FirePanel,
    MixingStation,
}

public static class FleetProducts
{
    private static readonly string[] Names = ["irrigation-pump-v1", "irrigation-pump-v2", "irrigation-station", "fire-panel", "mixing-station"];

    public static string Name(this FleetProduct product) => Names[(int)product];

    public static Protocol Protocol(this FleetProduct product) =>
        product is FleetProduct.IrrigationPumpV1 ? Core.Protocols.Protocol.Dp1 : Core.Protocols.Protocol.Dp2;
}

/// <summary>How many of each product, as weights. A fleet of at least five has one of each that has a weight.</summary>
public sealed record FleetMix(
    int IrrigationPumpV1 = 40, int IrrigationPumpV2 = 25, int IrrigationStation = 5, int FirePanel = 15, int MixingStation = 15)
{
    internal int[] Weights => [IrrigationPumpV1, IrrigationPumpV2, IrrigationStation, FirePanel, MixingStation];

    public static FleetMix Only(FleetProduct product) => new(
        product is FleetProduct.IrrigationPumpV1 ? 1 : 0, product is FleetProduct.IrrigationPumpV2 ? 1 : 0,
        product is FleetProduct.IrrigationStation ? 1 : 0, product is FleetProduct.FirePanel ? 1 : 0, product is FleetProduct.MixingStation ? 1 : 0);
}

/// <summary>What goes wrong on the way, on purpose. All are off unless asked for; all are drawn from the fleet's seed.</summary>
/// <remarks>
/// Probabilities are per frame. A damaged frame is sent beside the good one, never instead of it, so that a fleet with faults still
/// has a history that can be compared: nothing that was measured is missing.
/// </remarks>
public sealed record FleetFaults
{
    public static FleetFaults None { get; } = new();

    /// <summary>The same frame is sent again.</summary>
    public double Duplicate { get; init; }

    /// <summary>The frame is held back and sent after the next one.</summary>
    public double Disorder { get; init; }

    /// <summary>A copy with one to three bits flipped.</summary>
    public double BitFlip { get; init; }

    /// <summary>A copy cut short.</summary>
    public double Truncate { get; init; }

    /// <summary>Random bytes, 1 to 200 of them.</summary>
    public double Garbage { get; init; }

    /// <summary>A copy with bytes behind it, longer than its protocol allows.</summary>
    public double Oversize { get; init; }

    /// <summary>The connection is cut without a goodbye after the frame was sent and before it was acknowledged.</summary>
    public double Disconnect { get; init; }

    /// <summary>Devices whose clock was never set: their number, from the start of the fleet.</summary>
    public int ClocksUnset { get; init; }

    /// <summary>Devices whose clock is a day ahead; they follow those whose clock is unset.</summary>
    public int ClocksAhead { get; init; }

    /// <summary>Devices whose clock is 500 days behind; they come last.</summary>
    public int ClocksBehind { get; init; }
}

/// <summary>A simulated fleet. The same options give the same devices and, second by second, the same measurements.</summary>
public sealed record FleetOptions
{
    /// <summary>A fleet's ids have room for this many.</summary>
    public const int DevicesMax = 100_000;

    public int Devices { get; init; } = 20;

    /// <summary>Also names the devices: another seed is another fleet beside this one.</summary>
    public ulong Seed { get; init; } = 1;

    public FleetMix Mix { get; init; } = new();

    /// <summary>Time between two telemetry frames of a device, 1 s to 9 h; the protocols' own lower limit is 10 s.</summary>
    public TimeSpan TelemetryInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Telemetry frames for each frame of lifetime counters.</summary>
    public int CountersEvery { get; init; } = 10;

    /// <summary>How much faster time passes at the sites than on the clocks of the devices, 1 to 1000. Intervals stay as they are.</summary>
    public double SpeedUp { get; init; } = 1;

    /// <summary>Incidents (dry run, leak, fire, ...) at one site in one day of the site, on average, 0 to 100.</summary>
    public double IncidentsPerSiteDay { get; init; } = 0.2;

    /// <summary>New connections in a second, over the whole fleet, 1 to 5000.</summary>
    public double ConnectsPerSecond { get; init; } = 100;

    /// <summary>Devices are spread over this many customers, <c>{CustomerPrefix}-1</c> and on.</summary>
    public int Customers { get; init; } = 3;

    public string CustomerPrefix { get; init; } = "demo";

    /// <summary>Civil time of the sites, minutes ahead of UTC.</summary>
    public int UtcOffsetMinutes { get; init; } = 120;

    public FleetFaults Faults { get; init; } = FleetFaults.None;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">Names the option, its value and what it may be.</exception>
    public void Validate()
    {
        Check(Devices is >= 1 and <= DevicesMax, nameof(Devices), Devices, $"1 to {DevicesMax}");
        Check(Mix.Weights is var w && w.All(x => x >= 0) && w.Sum() > 0, nameof(Mix), Mix, "weights of at least 0, one of them above it");
        Check(TelemetryInterval.TotalSeconds is >= 1 and <= 32_767, nameof(TelemetryInterval), TelemetryInterval, "1 s to 32767 s");
        Check(TelemetryInterval.Ticks % TimeSpan.TicksPerSecond == 0, nameof(TelemetryInterval), TelemetryInterval, "whole seconds, as device clocks count");
        Check(CountersEvery >= 1, nameof(CountersEvery), CountersEvery, "at least 1");
        Check(SpeedUp is >= 1 and <= 1000, nameof(SpeedUp), SpeedUp, "1 to 1000");
        Check(IncidentsPerSiteDay is >= 0 and <= 100, nameof(IncidentsPerSiteDay), IncidentsPerSiteDay, "0 to 100");
        Check(ConnectsPerSecond is >= 1 and <= 5000, nameof(ConnectsPerSecond), ConnectsPerSecond, "1 to 5000");
        Check(Customers is >= 1 and <= 1000, nameof(Customers), Customers, "1 to 1000");
        Check(UtcOffsetMinutes is >= -720 and <= 840, nameof(UtcOffsetMinutes), UtcOffsetMinutes, "-720 to 840");
        foreach (var (name, value) in new[]
        {
            (nameof(FleetFaults.Duplicate), Faults.Duplicate), (nameof(FleetFaults.Disorder), Faults.Disorder), (nameof(FleetFaults.BitFlip), Faults.BitFlip),
            (nameof(FleetFaults.Truncate), Faults.Truncate), (nameof(FleetFaults.Garbage), Faults.Garbage), (nameof(FleetFaults.Oversize), Faults.Oversize),
            (nameof(FleetFaults.Disconnect), Faults.Disconnect),
        })
            Check(value is >= 0 and <= 1, nameof(Faults) + "." + name, value, "a probability, 0 to 1");
        Check(
            Faults is { ClocksUnset: >= 0, ClocksAhead: >= 0, ClocksBehind: >= 0 } && Faults.ClocksUnset + Faults.ClocksAhead + Faults.ClocksBehind <= Devices,
            nameof(Faults), $"{Faults.ClocksUnset} + {Faults.ClocksAhead} + {Faults.ClocksBehind} wrong clocks", "at most as many as devices");
    }

    private static void Check(bool good, string option, object value, string allowed)
    {
        if (!good)
            throw new ArgumentException($"fleet option {option} is {value}; allowed: {allowed}", option);
    }
}
