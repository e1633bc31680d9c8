using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class IngressRouterTests
{
    private static readonly Routes Routes = new(
        [new("protocol", "$twin.tags.protocol"), new("offering", "$twin.tags.offering"), new("utcOffset", "$twin.tags.utcOffset"), new("site", "$twin.tags.site")],
        [new("raw-telemetry-dp1", "telemetry", Protocol.Dp1), new("raw-event-dp1", "event", Protocol.Dp1), new("raw-telemetry-dp2", "telemetry", Protocol.Dp2)],
        "raw-unrouted", "device-connections", [], [], []);

    private static readonly DeviceRegistration Device = new("dp1-4711001", "dp1", "irrigation", "pump", "green-valley", "local", -90);

    private readonly IngressRouter _router = new(Routes);

    [Test]
    public void A_message_gets_the_hubs_properties_and_the_tags_of_its_device()
    {
        var routed = Route(Device, ("headerType", "telemetry"), ("x", "1"));
        Assert.That(routed.Hub, Is.EqualTo("raw-telemetry-dp1"));
        Assert.That(routed.Matched, Is.True);
        Assert.That(routed.Event.Key, Is.EqualTo(Device.Id));
        Assert.That(
            routed.Event.Properties.Items.ToArray().Select(p => $"{p.Key}={p.Value}"),
            Is.EqualTo(new[]
            {
                "iothub-connection-device-id=dp1-4711001", "iothub-enqueuedtime=2025-06-01T12:00:00.250Z", "headerType=telemetry", "x=1",
                "protocol=dp1", "offering=irrigation", "utcOffset=-90", "site=$twin.tags.site",
            }));
    }

    [Test]
    public void A_missing_tag_leaves_the_expressions_own_text_and_counts_as_missing()
    {
        var routed = Route(Device with { Protocol = "", UtcOffsetMinutes = null }, ("headerType", "telemetry"));
        Assert.That(routed.Event.Properties["protocol"], Is.EqualTo("$twin.tags.protocol"));
        Assert.That(routed.Event.Properties["utcOffset"], Is.EqualTo("$twin.tags.utcOffset"));
        Assert.That(routed.Event.Properties.Tag("protocol"), Is.Null);
        Assert.That((routed.Hub, routed.Matched), Is.EqualTo(("raw-unrouted", false)));
    }

    [TestCase("protocol", "dp2", "dp1")]
    [TestCase("offering", "fire-protection", "irrigation")]
    [TestCase("iothub-connection-device-id", "dp1-other", "dp1-4711001")]
    [TestCase("iothub-enqueuedtime", "1999-01-01", "2025-06-01T12:00:00.250Z")]
    [TestCase("iothub-connection-auth-method", "x", null)]
    [TestCase("replay-of", "raw-telemetry-dp1:0:1", null)]
    [TestCase("replay-enqueuedtime", "1999-01-01", null)]
    public void What_a_device_says_of_itself_is_not_believed(string name, string claimed, string? kept)
    {
        var routed = Route(Device, ("headerType", "telemetry"), (name, claimed));
        Assert.That(routed.Event.Properties.Items.ToArray().Where(p => p.Key == name).Select(p => p.Value), Is.EqualTo(kept is null ? [] : new[] { kept }));
        Assert.That(routed.Hub, Is.EqualTo("raw-telemetry-dp1"));
    }

    [TestCase(null)]
    [TestCase("gossip")]
    [TestCase("Telemetry")]
    public void A_message_that_no_route_takes_is_kept_in_the_fallback_hub(string? headerType)
    {
        var routed = headerType is null ? Route(Device) : Route(Device, ("headerType", headerType));
        Assert.That((routed.Hub, routed.Matched), Is.EqualTo(("raw-unrouted", false)));
    }

    [Test]
    public void An_enrichment_that_the_region_does_not_know_stops_the_start() =>
        Assert.That(
            () => new IngressRouter(Routes with { Enrichments = [new("x", "$twin.properties.desired.x")] }),
            Throws.ArgumentException.With.Message.Contains("$twin.properties.desired.x"));

    private RoutedMessage Route(DeviceRegistration device, params (string Name, string Value)[] properties) => _router.Route(new(
        device, new EventProperties([.. properties.Select(p => KeyValuePair.Create(p.Name, p.Value))]), default,
        new DateTimeOffset(2025, 6, 1, 14, 0, 0, 250, TimeSpan.FromHours(2))));
}
