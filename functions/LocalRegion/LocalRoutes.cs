using System.Diagnostics;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Archive;
using Pumps.LocalRegion.Gateway;
using Pumps.LocalRegion.Hubs;

namespace Pumps.LocalRegion;

/// <summary>What only a local region has: not part of the portal's API.</summary>
internal static class LocalRoutes
{
    public static void Map(WebApplication app)
    {
        // A local region has no site: whoever opens its address sees what the API offers.
        app.MapGet("/", () => Results.Redirect(PortalApi.DocsPath));
        app.MapGet("/docs", () => Results.Redirect(PortalApi.DocsPath));

        // For its own command line.
        app.MapPost("/local/replay", async (string folder, ReplaySource source, CancellationToken cancel) =>
        {
            try
            {
                return Results.Ok(await source.RunAsync(folder, progress: null, cancel));
            }
            catch (DirectoryNotFoundException fault)
            {
                return Results.Problem(fault.Message, statusCode: 404, type: "urn:pumps:unknown_folder");
            }
        });
    }

    /// <summary>Appends a routed message to its raw hub, with a trace when it is one of the few that are sampled.</summary>
    public static ValueTask IngestAsync(this EmbeddedHubs hubs, RoutedMessage message, MessageSampler sampler)
    {
        var span = sampler.Enter(message.Event.Key);
        return span is null ? hubs.AppendAsync(message.Hub, message.Event) : TracedAsync(hubs, message, span);
    }

    private static async ValueTask TracedAsync(EmbeddedHubs hubs, RoutedMessage message, Activity span)
    {
        using (span)
            await hubs.AppendAsync(message.Hub, message.Event with { Properties = message.Event.Properties.Inject(span) });
    }
}
