namespace Pumps.LocalRegion.Gateway;

/// <summary>IoT Hub's limits, which the gateway has too: what passes here must pass there.</summary>
internal static class GatewayLimits
{
    /// <summary>Of a device-to-cloud message, its properties included.</summary>
    public const int MessageBytes = 256 * 1024;

    /// <summary>Of a cloud-to-device message.</summary>
    public const int CloudMessageBytes = 64 * 1024;

    /// <summary>Of the queue of one device.</summary>
    public const int CloudMessagesPerDevice = 50;

    public const int DeliveriesMax = 10;

    public const int MethodPayloadBytes = 128 * 1024;

    /// <summary>Of the desired and of the reported properties, each.</summary>
    public const int TwinSectionBytes = 32 * 1024;

    public const int TwinDepth = 10;

    public const int TwinKeyBytes = 1024;

    public const int TwinStringBytes = 4 * 1024;

    /// <summary>A CONNECT packet: client id, user name, token and will. Larger ones are a stranger's.</summary>
    public const int ConnectBytes = 16 * 1024;

    /// <summary>Any later packet: a message, its topic of at most 64 KB, and the packet's own fields. Larger ones are not even read.</summary>
    public const int PacketBytes = MessageBytes + 64 * 1024 + 16;

    public static readonly TimeSpan CloudMessageTimeToLive = TimeSpan.FromHours(1);

    public static readonly TimeSpan CloudMessageTimeToLiveMax = TimeSpan.FromDays(2);

    /// <summary>Of a registration's request: the id and what a factory adds.</summary>
    public const int RegistrationBytes = 16 * 1024;

    /// <summary>Of a connection that registers. A registration takes seconds; what stays longer holds the place of a device.</summary>
    public static readonly TimeSpan RegistrationLife = TimeSpan.FromMinutes(5);

    public static readonly TimeSpan MethodTimeoutMin = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan MethodTimeoutMax = TimeSpan.FromMinutes(5);
}
