using System.Globalization;
using Pumps.Core.Offerings;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Gateway;

/// <summary>A message on its way to a hub.</summary>
/// <param name="Matched">False when no route took it; it goes to the fallback hub, and whoever reads that sets it aside as <see cref="IngressRouter.NoRoute"/>.</param>
public readonly record struct RoutedMessage(string Hub, bool Matched, OutgoingEvent Event);

/// <summary>What IoT Hub does between a device and the raw hubs: system properties, enrichment with twin tags, routing. Pure.</summary>
/// <remarks>
/// Tags are trusted, devices are not: an enrichment overwrites what a device has set under its name, and a device cannot set what the hub
/// sets. A missing tag leaves the expression's own text, as IoT Hub does.
/// </remarks>
public sealed class IngressRouter
{
    /// <summary>The code of a dead letter that no route has taken.</summary>
    public const string NoRoute = "no_route";

    // IoT Hub keeps these apart from what a device sets; here they share one list, so a device's copy is dropped.
    private const string HubPrefix = "iothub-connection-";

    private readonly Routes _routes;

    public IngressRouter(Routes routes)
    {
        _routes = routes;
        foreach (var (_, expression) in routes.Enrichments)
            if (expression.StartsWith('$') && !expression.StartsWith(DeviceRegistration.TagPrefix, StringComparison.Ordinal))
                throw new ArgumentException(
                    $"The enrichment '{expression}' is neither a constant nor {DeviceRegistration.TagPrefix}<tag>; the local region knows no other.");
    }

    public RoutedMessage Route(in IngressMessage message)
    {
        var fromDevice = message.Properties.Items;
        var kept = 0;
        foreach (var property in fromDevice)
            if (IsDevices(property.Key))
                kept++;

        var all = new KeyValuePair<string, string>[2 + kept + _routes.Enrichments.Count];
        all[0] = new(PropertyNames.DeviceId, message.DeviceId);
        all[1] = new(PropertyNames.EnqueuedTime, message.EnqueuedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

        var next = 2;
        string? headerType = null, protocol = null;
        foreach (var property in fromDevice)
            if (IsDevices(property.Key))
            {
                all[next++] = property;
                if (property.Key == PropertyNames.HeaderType) headerType = property.Value;
            }

        foreach (var (name, expression) in _routes.Enrichments)
        {
            var value = message.Device.Evaluate(expression);
            all[next++] = new(name, value);
            if (name == PropertyNames.Protocol) protocol = value;
        }

        var hub = _routes.RawHubFor(headerType, protocol);
        return new(hub, hub != _routes.Fallback, new OutgoingEvent(message.DeviceId, new EventProperties(all), message.Body));
    }

    private bool IsDevices(string name)
    {
        if (name.StartsWith(HubPrefix, StringComparison.OrdinalIgnoreCase) || name == PropertyNames.EnqueuedTime || PropertyNames.IsReplay(name))
            return false;
        foreach (var enrichment in _routes.Enrichments)
            if (enrichment.Name == name)
                return false;
        return true;
    }
}
