namespace Pumps.Postgres;

/// <summary>A datapoint that only grows, and where it starts again.</summary>
/// <param name="Point">Name without path: <c>run_hours</c> covers <c>pumps[1].run_hours</c>.</param>
/// <param name="Modulus">What a reading is counted modulo; null when a smaller reading means that the device began again from zero.</param>
public sealed record CounterDefinition(string Protocol, string Point, decimal? Modulus);

/// <summary>All counters, as the statements take them: as three arrays.</summary>
public sealed class Counters(IReadOnlyList<CounterDefinition> definitions)
{
    internal string[] Protocols { get; } = [.. definitions.Select(d => d.Protocol)];

    internal string[] Points { get; } = [.. definitions.Select(d => d.Point)];

    internal decimal?[] Moduli { get; } = [.. definitions.Select(d => d.Modulus)];
}
