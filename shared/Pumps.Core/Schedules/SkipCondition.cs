using System.Text.Json;

namespace Pumps.Core.Schedules;

public enum Comparison
{
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

/// <summary>The newest value of a datapoint, as far as a condition looks at it.</summary>
/// <param name="Value">JSON text; null when there is none.</param>
public readonly record struct NewestValue(string? Value, bool IsGood, DateTimeOffset ObservedAt);

/// <summary>What leaves a run out: rain, a full tank.</summary>
/// <param name="Device">Whose datapoint; null: that of the device that the run is for.</param>
/// <param name="Value">What it is compared with; a number unless the comparison is for equality.</param>
/// <param name="MaxAge">An older value says nothing.</param>
/// <param name="SkipWhenUnknown">What happens when the value is missing, bad or old.</param>
public sealed record SkipCondition(string? Device, string Point, Comparison Is, JsonElement Value, TimeSpan MaxAge, bool SkipWhenUnknown)
{
    /// <summary>Whether the run is left out.</summary>
    public bool Holds(NewestValue? newest, DateTimeOffset now)
    {
        if (newest is not { Value: { } text, IsGood: true } known || now - known.ObservedAt > MaxAge)
            return SkipWhenUnknown;

        var value = JsonElement.Parse(text);
        if (Is is Comparison.Equal or Comparison.NotEqual)
            return JsonElement.DeepEquals(value, Value) == (Is is Comparison.Equal);
        if (value.ValueKind is not JsonValueKind.Number || Value.ValueKind is not JsonValueKind.Number)
            return SkipWhenUnknown;

        var order = value.GetDouble().CompareTo(Value.GetDouble());
        return Is switch
        {
            Comparison.Above => order > 0,
            Comparison.AtLeast => order >= 0,
            Comparison.Below => order < 0,
            _ => order <= 0,
        };
    }
}
