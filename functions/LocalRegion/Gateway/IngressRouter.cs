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

    private const string TagPrefix = "$twin.tags.";

    // IoT Hub keeps these apart from what a device sets; here they share one list, so a device's copy is dropped.
    private const string HubPrefix = "iothub-connection-";

    private readonly Routes _routes;
    private readonly (string Name, string Expression, Func<DeviceRegistration, string?>? Tag)[] _enrichments;

    public IngressRouter(Routes routes)
    {
        _routes = routes;
        _enrichments = [.. routes.Enrichments.Select(e => (e.Name, e.Value, TagOf(e.Value)))];
    }

    public RoutedMessage Route(in IngressMessage message)
    {
        var fromDevice = message.Properties.Items;
        var kept = 0;
        foreach (var property in fromDevice)
            if (IsDevices(property.Key))
                kept++;

        var all = new KeyValuePair<string, string>[2 + kept + _enrichments.Length];
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

        foreach (var (name, expression, tag) in _enrichments)
        {
            var value = tag?.Invoke(message.Device) ?? expression;
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
        foreach (var enrichment in _enrichments)
            if (enrichment.Name == name)
                return false;
        return true;
    }

    private static Func<DeviceRegistration, string?>? TagOf(string expression)
    {
        if (!expression.StartsWith('$')) return null; // a constant
        if (!expression.StartsWith(TagPrefix, StringComparison.Ordinal))
            throw new ArgumentException($"The enrichment '{expression}' is neither a constant nor {TagPrefix}<tag>; the local region knows no other.");
        return expression[TagPrefix.Length..] switch
        {
            PropertyNames.Protocol => d => Given(d.Protocol),
            PropertyNames.Offering => d => Given(d.Offering),
            PropertyNames.Product => d => Given(d.Product),
            PropertyNames.Customer => d => Given(d.Customer),
            PropertyNames.Region => d => Given(d.Region),
            PropertyNames.UtcOffset => d => d.UtcOffsetMinutes?.ToString(CultureInfo.InvariantCulture),
            _ => _ => null,
        };
    }

    private static string? Given(string tag) => tag.Length > 0 ? tag : null;
}
