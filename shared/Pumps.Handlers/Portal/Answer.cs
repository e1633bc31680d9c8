namespace Pumps.Handlers.Portal;

/// <summary>What a handler says to somebody who asked. A broken world is none of these: it is an exception, and the host's affair.</summary>
public abstract record Answer<T>
{
    private Answer()
    {
    }

    public sealed record Found(T Value) : Answer<T>;

    /// <summary>There is no such thing, or the asker may not know that there is.</summary>
    public sealed record Absent(string What) : Answer<T>;

    /// <summary>The request cannot be read or is out of its limits; every fault found, not only the first.</summary>
    public sealed record Invalid(IReadOnlyList<Fault> Faults) : Answer<T>;

    /// <summary>The request is well formed, but a rule forbids it now.</summary>
    public sealed record Refused(string Rule, string Detail) : Answer<T>;

    /// <summary>Too much was asked in too little time; after <paramref name="Wait"/> it may be asked again.</summary>
    public sealed record Throttled(string Rule, string Detail, TimeSpan Wait) : Answer<T>;
}

/// <summary>One thing wrong with a request.</summary>
/// <param name="Rule">Stable noun in snake case; stands in the problem's <c>type</c>.</param>
/// <param name="Parameter">Path, query or body member it is about.</param>
/// <param name="Given">What was given, shortened to <see cref="GivenMax"/>; null when it is missing.</param>
/// <param name="Allowed">What would have been right, as text for people.</param>
public sealed record Fault(string Rule, string Parameter, string? Given, string Allowed)
{
    /// <summary>Characters of a wrong value that an answer repeats: enough to recognise it, too few to be a mirror.</summary>
    public const int GivenMax = 100;

    /// <summary>For people.</summary>
    public string Describe() => Given is null
        ? $"\"{Parameter}\" is missing or cannot be read; allowed: {Allowed}."
        : $"\"{Parameter}\" is \"{Given}\"; allowed: {Allowed}.";

    public string? Given { get; init; } = Given is { Length: > GivenMax } ? Given[..GivenMax] + "…" : Given;
}
