using Microsoft.Extensions.Logging;

namespace Pumps.Postgres;

/// <summary>Event ids 4000-4099. An id or a field name, once shipped, keeps its meaning.</summary>
internal static partial class PostgresLog
{
    [LoggerMessage(4000, LogLevel.Information, "Applied migration {Migration} to database {Database}")]
    public static partial void MigrationApplied(this ILogger log, string migration, string database);

    [LoggerMessage(4001, LogLevel.Information, "Made {Made} and dropped {Dropped} partitions of {Table}")]
    public static partial void PartitionsKept(this ILogger log, int made, int dropped, string table);
}
