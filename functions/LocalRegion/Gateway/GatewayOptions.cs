using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Section <c>Gateway</c>. A wrong value stops the host at start.</summary>
public sealed record GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>Where the certificates are kept. Created when missing.</summary>
    [Required]
    public required string DataFolder { get; init; }

    /// <summary>
    /// The address of both endpoints. Microsoft's SDKs know no port but 8883, so a second gateway on one machine
    /// takes an address of its own, such as 127.0.0.2.
    /// </summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>MQTT over TLS; 0 takes a free port, null opens none.</summary>
    [Range(0, 65535)]
    public int? TlsPort { get; init; } = 8883;

    /// <summary>MQTT without TLS, for tools and development; 0 takes a free port, null opens none.</summary>
    [Range(0, 65535)]
    public int? PlainPort { get; init; } = 1883;

    /// <summary>
    /// Further names by which devices reach this gateway. The certificate is valid for them, and tokens may name them. Always there:
    /// localhost, the machine's name, 127.0.0.1, ::1 and <see cref="Address"/>.
    /// </summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>Connections at once. A further one is closed before its handshake.</summary>
    [Range(1, 1_000_000)]
    public int ConnectionsMax { get; init; } = 50_000;

    /// <summary>How long a client may take for TLS handshake and CONNECT.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Twin requests of one device in one second; the next ones are answered 429.</summary>
    [Range(1, 10_000)]
    public int TwinRequestsPerSecond { get; init; } = 50;

    /// <summary>
    /// Names the region's provisioning service to a device that registers: the first part of its user name and of its token. Factories write it
    /// into devices, so it stays.
    /// </summary>
    [Required, RegularExpression("^[A-Za-z0-9]{1,32}$")]
    public string IdScope { get; init; } = DefaultIdScope;

    public const string DefaultIdScope = "0nelocal";
}
