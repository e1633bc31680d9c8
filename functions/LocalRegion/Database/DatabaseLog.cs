namespace Pumps.LocalRegion.Database;

/// <summary>Event ids 8100-8119. An id or a field name, once shipped, keeps its meaning.</summary>
internal static partial class DatabaseLog
{
    [LoggerMessage(8100, LogLevel.Information, "Made a PostgreSQL cluster in {Folder}")]
    public static partial void ClusterMade(this ILogger log, string folder);

    [LoggerMessage(8101, LogLevel.Information, "Started PostgreSQL, process {ProcessId}, on {Folder}")]
    public static partial void Started(this ILogger log, int processId, string folder);

    [LoggerMessage(8102, LogLevel.Information, "Stopped PostgreSQL on {Folder}")]
    public static partial void Stopped(this ILogger log, string folder);

    [LoggerMessage(8103, LogLevel.Warning, "Stopping PostgreSQL, process {ProcessId}, that a killed region left on {Folder}")]
    public static partial void LeftoverStopped(this ILogger log, int processId, string folder);

    [LoggerMessage(8104, LogLevel.Warning, "Process {ProcessId} named by postmaster.pid in {Folder} is not PostgreSQL; removed the file")]
    public static partial void StaleIdRemoved(this ILogger log, int processId, string folder);

    [LoggerMessage(8105, LogLevel.Error, "PostgreSQL died with exit code {ExitCode}; starting it again in {PauseSeconds} s. Its log is in {LogFolder}")]
    public static partial void Died(this ILogger log, int exitCode, double pauseSeconds, string logFolder);

    [LoggerMessage(8106, LogLevel.Error, "PostgreSQL could not be started again: {Reason}")]
    public static partial void StartRefused(this ILogger log, string reason);

    [LoggerMessage(8107, LogLevel.Debug, "Database {Database} is there")]
    public static partial void DatabaseFound(this ILogger log, string database);

    [LoggerMessage(8108, LogLevel.Warning, "PostgreSQL on {Folder} died before it could be stopped")]
    public static partial void GoneAlready(this ILogger log, string folder);
}
