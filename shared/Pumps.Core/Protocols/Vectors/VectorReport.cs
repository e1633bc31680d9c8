namespace Pumps.Core.Protocols.Vectors;

/// <summary>One vector or session that did not come out as expected, and where.</summary>
public sealed record VectorFailure(string Id, string Name, IReadOnlyList<JsonDifference> Differences)
{
    public override string ToString() => $"{Id} ({Name})";
}

/// <summary>What became of the vectors of one file.</summary>
public sealed record VectorReport(string File, int Passed, IReadOnlyList<VectorFailure> Failures)
{
    public int Failed => Failures.Count;
}
