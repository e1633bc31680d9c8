using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pumps.Core.Commands;
using Pumps.Core.Dictionaries;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;

namespace Pumps.Handlers.Portal;

public sealed record OfferingView(string Id, string Name, string Description);

/// <param name="Dictionary">Id of its data dictionary.</param>
/// <param name="Counters">Points that count up; <c>increase</c> is made for them.</param>
public sealed record ProductView(
    string Id, string Name, string Offering, string Protocol, int Dictionary, int ReportIntervalSeconds, IReadOnlyList<string> Counters,
    IReadOnlyList<ProductCommandView> Commands);

/// <param name="Name">With <c>[]</c>: for one of several parts, whose number is put there (<c>pumps[1].start</c>).</param>
/// <param name="Instances">Numbers of these parts that the product may have; null for a command to the device itself.</param>
/// <param name="Role">Who may give it: viewer, operator, ops.</param>
/// <param name="Confirm">Dangerous: taken only with <c>"confirm": true</c>.</param>
public sealed record ProductCommandView(
    string Name, string Description, InstancesView? Instances, string Role, bool Confirm, double TimeToLiveSeconds, IReadOnlyList<CommandArgumentView> Arguments);

/// <summary>Both ends are included.</summary>
public sealed record InstancesView(long Min, long Max);

/// <param name="Min">Both ends of the range are included; decimal text.</param>
/// <param name="Values">An enum's names, one of which is given; null for other types.</param>
/// <param name="Required">Whether it must be given.</param>
public sealed record CommandArgumentView(string Name, string Type, string? Unit, string? Min, string? Max, IReadOnlyList<string>? Values, bool Required);

/// <param name="Unit">UCUM code; null for text, enums, booleans and masks.</param>
/// <param name="Min">Plausible range as decimal text, both ends included; null when open.</param>
/// <param name="Labels">An enum's codes and names.</param>
/// <param name="Child">For a group: the dictionary that its points come from.</param>
public sealed record PointView(
    long Id, string Name, string Type, string? Unit, string? Min, string? Max, IReadOnlyDictionary<string, string>? Labels, int? Child,
    bool Writable, string Description);

public sealed record DictionaryView(int Id, int Revision, string Name, IReadOnlyList<PointView> Points);

/// <summary>What this region knows of offerings, products and dictionaries.</summary>
public sealed record CatalogView(
    IReadOnlyList<OfferingView> Offerings, IReadOnlyList<ProductView> Products, IReadOnlyList<DictionaryView> Dictionaries);

internal static class CatalogRoutes
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/catalog", (Catalog catalog) => TypedResults.Ok(View(catalog))).For(PortalRole.Viewer).WithTags("Catalog")
            .WithName("readCatalog").WithSummary("Offerings, products, and the datapoints of their dictionaries").Produces<CatalogView>();

    private static CatalogView View(Catalog catalog) => new(
        [.. catalog.Offerings.Values.OrderBy(o => o.Id).Select(o => new OfferingView(o.Id, o.Name, o.Description))],
        [.. catalog.Products.Values.OrderBy(p => p.Id).Select(p => new ProductView(
            p.Id, p.Name, p.Offering, p.Protocol.Name(), p.Dictionary, p.ReportIntervalSeconds, [.. p.Counters.Select(c => c.Point)], [.. p.Commands.Select(View)]))],
        [.. catalog.Dictionaries.All.OrderBy(d => d.Id).Select(d => new DictionaryView(d.Id, d.Revision, d.Name, [.. d.Points.Select(View)]))]);

    private static ProductCommandView View(ProductCommand command) => new(
        command.Name, command.Description, command.Component is { } parts ? new(parts.Min, parts.Max) : null, command.Role.ToString().ToLowerInvariant(), command.Confirm, command.TimeToLive.TotalSeconds,
        [.. command.Arguments.Select(a => new CommandArgumentView(
            a.Name, TypeName(a.Type), a.Unit, a.Labels is null ? Text(a.Min) : null, a.Labels is null ? Text(a.Max) : null,
            a.Labels?.OrderBy(l => l.Key).Select(l => l.Value).ToList(), a.Default is null))]);

    private static string Text(decimal number) => number.ToString("0.############", System.Globalization.CultureInfo.InvariantCulture);

    private static PointView View(PointDefinition point) => new(
        point.Id, point.Name, TypeName(point.Type), point.Unit, point.Min, point.Max,
        point.Labels?.OrderBy(l => l.Key).ToDictionary(l => l.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), l => l.Value),
        point.Child == 0 ? null : point.Child, point.Writable, point.Description);

    private static string TypeName(PointType type) => type switch
    {
        PointType.Bool => "bool",
        PointType.Uint => "uint",
        PointType.Int => "int",
        PointType.Decimal => "decimal",
        PointType.Float32 => "float32",
        PointType.Float64 => "float64",
        PointType.String => "string",
        PointType.Bytes => "bytes",
        PointType.Enum => "enum",
        PointType.Bitmask => "bitmask",
        PointType.Group => "group",
        _ => "unknown",
    };
}
