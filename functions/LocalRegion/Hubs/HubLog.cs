namespace Pumps.LocalRegion.Hubs;

/// <summary>Event ids 2000-2099. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class HubLog
{
    [LoggerMessage(2000, LogLevel.Error, "Hub {Hub}, partition {Partition} refuses appends until the disk takes them again")]
    public static partial void AppendsRefused(this ILogger log, string hub, int partition, Exception error);

    [LoggerMessage(2001, LogLevel.Information, "Hub {Hub}, partition {Partition} takes appends again")]
    public static partial void AppendsAccepted(this ILogger log, string hub, int partition);

    [LoggerMessage(2002, LogLevel.Error, "{Service} cannot handle events of hub {Hub}, group {Group}, partition {Partition} from {Sequence} on; the batch of {Events} is repeated until it can")]
    public static partial void BatchFails(
        this ILogger log, string service, string hub, string group, int partition, long sequence, int events, Exception error);

    [LoggerMessage(2003, LogLevel.Information, "{Service} handles events of hub {Hub}, group {Group}, partition {Partition} again")]
    public static partial void BatchHandledAgain(this ILogger log, string service, string hub, string group, int partition);

    [LoggerMessage(2004, LogLevel.Error, "Checkpoints cannot be saved; events handled from now on come again after a restart")]
    public static partial void CheckpointsNotSaved(this ILogger log, Exception error);

    [LoggerMessage(2005, LogLevel.Information, "Checkpoints are saved again")]
    public static partial void CheckpointsSavedAgain(this ILogger log);

    [LoggerMessage(2006, LogLevel.Warning, "The checkpoint of hub {Hub}, group {Group}, partition {Partition} is at {Checkpoint}, but the log ends at {End}: it was restored from an older copy. The group goes on at its end")]
    public static partial void CheckpointBeyondLog(this ILogger log, string hub, string group, int partition, long checkpoint, long end);
}
