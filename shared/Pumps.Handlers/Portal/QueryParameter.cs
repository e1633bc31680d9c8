using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Pumps.Handlers.Portal;

/// <summary>A query parameter: one definition reads it, refuses wrong values and documents it.</summary>
/// <param name="Minimum">With <paramref name="Maximum"/>: the parameter is a whole number in this range.</param>
/// <param name="Values">The parameter is one of these words.</param>
internal sealed record QueryParameter(
    string Name, string Description, string? Default = null, int? Minimum = null, int? Maximum = null, IReadOnlyList<string>? Values = null,
    bool Required = false, int LengthMax = 200);

/// <summary>Reads the parameters of one request and gathers what is wrong with them.</summary>
internal sealed class QueryReader
{
    private readonly IQueryCollection _query;

    public QueryReader(HttpRequest request)
    {
        _query = request.Query;
        var known = request.HttpContext.GetEndpoint()?.Metadata.GetOrderedMetadata<QueryParameter>() ?? [];
        // A misspelt parameter that is ignored answers another question than the one that was asked.
        foreach (var given in _query.Keys)
            if (!known.Any(k => k.Name == given))
                Faults.Add(new("unknown_parameter", given, _query[given].ToString(), known.Count == 0 ? "no parameter" : string.Join(", ", known.Select(k => k.Name))));
    }

    public List<Fault> Faults { get; } = [];

    /// <summary>For lists whose cursors are numbers.</summary>
    public void CheckCursor(QueryParameter parameter, string? cursor)
    {
        if (cursor is not null && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            Faults.Add(new("invalid_cursor", parameter.Name, cursor, "`next` of the page before, or absent for the first page"));
    }

    public string? Text(QueryParameter parameter)
    {
        var values = _query[parameter.Name];
        if (values.Count > 1)
            Faults.Add(new("repeated_parameter", parameter.Name, values.ToString(), "given once"));

        var value = values.Count == 0 || values[0] is not { Length: > 0 } given ? parameter.Default : given;
        if (value is null && parameter.Required)
            Faults.Add(new("missing_parameter", parameter.Name, null, parameter.Description));
        else if (value is not null && (value.Length > parameter.LengthMax || value.Any(char.IsControl)))
            Faults.Add(new("invalid_" + parameter.Name, parameter.Name, value, $"at most {parameter.LengthMax} printable characters"));
        else if (value is not null && parameter.Values is { } words && !words.Contains(value))
            Faults.Add(new("invalid_" + parameter.Name, parameter.Name, value, string.Join(", ", words)));
        return value;
    }

    public int Number(QueryParameter parameter)
    {
        var text = Text(parameter);
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= parameter.Minimum && number <= parameter.Maximum)
            return number;

        Faults.Add(new("invalid_" + parameter.Name, parameter.Name, text, $"a whole number from {parameter.Minimum} to {parameter.Maximum}"));
        return parameter.Minimum ?? 0;
    }

    public bool Flag(QueryParameter parameter) => Text(parameter) is "true";
}
