using System.Net;
using System.Net.Sockets;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Event ids 2200-2299. Keys and tokens are never written.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(2200, LogLevel.Information, "The gateway listens on {EndPoint}{Scheme}")]
    public static partial void Listening(this ILogger log, IPEndPoint endPoint, string scheme);

    [LoggerMessage(2201, LogLevel.Warning, "Refused: {Reason}, device '{DeviceId}' {Detail} ({Silenced} more like it since the last such line)")]
    public static partial void Refused(this ILogger log, string reason, string deviceId, string detail, int silenced);

    [LoggerMessage(2202, LogLevel.Error, "Messages are not taken any more: devices are disconnected without acknowledgement and will repeat them")]
    public static partial void SinkFailed(this ILogger log, Exception error);

    [LoggerMessage(2203, LogLevel.Information, "Messages are taken again")]
    public static partial void SinkRecovered(this ILogger log);

    [LoggerMessage(2204, LogLevel.Warning, "A connection could not be accepted: {Error}")]
    public static partial void AcceptInterrupted(this ILogger log, SocketError error);

    [LoggerMessage(2205, LogLevel.Error, "The gateway's upkeep did not finish (expired tokens and messages, feedback) and is tried again in a second")]
    public static partial void UpkeepFailed(this ILogger log, Exception error);

    [LoggerMessage(2206, LogLevel.Information, "The gateway's upkeep works again")]
    public static partial void UpkeepRecovered(this ILogger log);

    [LoggerMessage(2207, LogLevel.Error, "{Count} changes of connections are not published yet; tried again every {Interval}")]
    public static partial void ConnectionsNotPublished(this ILogger log, int count, TimeSpan interval, Exception error);
}
