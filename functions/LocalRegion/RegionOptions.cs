using System.Net;
using Pumps.Handlers.Offerings;

namespace Pumps.LocalRegion;

/// <summary>What a local region is started with.</summary>
public sealed record RegionOptions
{
    /// <summary>Name of the region; also the tag of the devices registered here.</summary>
    public string Name { get; init; } = "local";

    /// <summary>Everything the region keeps: hubs, archive, device registry, certificates, and the database unless one is given.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The address of the API and of the MQTT endpoints. Loopback, unless somebody decides otherwise.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port of the API; 0 takes a free one.</summary>
    public int HttpPort { get; init; } = 8080;

    /// <summary>MQTT with TLS; 0 takes a free port. Device SDKs know no other than 8883.</summary>
    public int MqttTlsPort { get; init; } = 8883;

    /// <summary>MQTT without TLS; 0 takes a free port, null opens none.</summary>
    public int? MqttPlainPort { get; init; } = 1883;

    /// <summary>A PostgreSQL to use; null starts the region's own.</summary>
    public string? Database { get; init; }

    public string CatalogFolder { get; init; } = CatalogLoader.DefaultFolder;

    /// <summary>The host in devices' connection strings.</summary>
    public string DeviceHost => Address.Equals(IPAddress.Loopback) || Address.Equals(IPAddress.IPv6Loopback) ? "localhost"
        : Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName()
        : Address.ToString();

    /// <summary>Bytes that the disk must have free for the hubs to take more.</summary>
    public long MinFreeBytes { get; init; } = 200L << 20;
}
