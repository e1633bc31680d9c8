namespace Pumps.Core.Capacity;

/// <summary>Prices of one location, in one currency, for a month or a thing (catalog/capacity/prices). Inputs, not quotes.</summary>
public sealed record PriceList
{
    public string Location { get; init; } = "";
    public string Currency { get; init; } = "";

    /// <summary>The day whose prices these are.</summary>
    public string AsOf { get; init; } = "";

    /// <summary>Names of prices that were found nowhere published.</summary>
    public IReadOnlyList<string> Unverified { get; init; } = [];

    /// <summary>The same list where all but <see cref="Unverified"/> are zero: what a plan costs with it rests on guesses.</summary>
    public PriceList? UnverifiedOnly { get; init; }

    public required double IotHubS1Unit { get; init; }
    public required double IotHubS2Unit { get; init; }
    public required double IotHubS3Unit { get; init; }
    public required double ThroughputUnit { get; init; }
    public required double CaptureThroughputUnit { get; init; }
    public required double MillionEvents { get; init; }
    public required double ProcessingUnit { get; init; }
    public required double FunctionGBSecond { get; init; }
    public required double MillionExecutions { get; init; }
    public required double DatabaseVCore { get; init; }
    public required double DatabaseBurstableVCore { get; init; }
    public required double DatabaseGigabyte { get; init; }
    public required double ArchiveHotGigabyte { get; init; }
    public required double ArchiveCoolGigabyte { get; init; }
    public required double ArchiveColdGigabyte { get; init; }

    internal double IotHubUnit(string tier) => tier switch
    {
        "S1" => IotHubS1Unit,
        "S2" => IotHubS2Unit,
        _ => IotHubS3Unit,
    };
}
