using System.Data.Common;

namespace Pumps.Handlers.Devices;

/// <summary>Which errors concern one device and let work on the others go on.</summary>
internal static class DeviceTrouble
{
    /// <returns>
    /// False when the database is away, because then nothing could be kept, and when the work is cancelled. A time-out of a registry looks like a
    /// cancellation, and is none.
    /// </returns>
    public static bool Is(Exception error, CancellationToken cancel) =>
        error is not DbException { Source: "Npgsql" } && !(error is OperationCanceledException && cancel.IsCancellationRequested);
}
