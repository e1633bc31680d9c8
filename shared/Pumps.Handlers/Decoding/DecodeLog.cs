using Microsoft.Extensions.Logging;

namespace Pumps.Handlers.Decoding;

/// <summary>Event ids 1000-1099. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class DecodeLog
{
    // Debug: the dead letter itself and the metric by code are what ops look at; a broken device must not flood the log.
    [LoggerMessage(1001, LogLevel.Debug, "Set aside a frame of {FrameBytes} bytes from {Device}: {Code}")]
    public static partial void FrameSetAside(this ILogger log, string device, int frameBytes, string code);
}
