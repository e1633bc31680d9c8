using System.ComponentModel.DataAnnotations;

namespace Pumps.LocalRegion.Database;

/// <summary>The region's own PostgreSQL server.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>Folder of the server; made on first start. The data folder's <c>postgres</c>.</summary>
    [Required]
    public required string Folder { get; init; }

    /// <summary>Database made on first start.</summary>
    [Required]
    public string Database { get; init; } = "pumps";

    /// <summary>MB of the server's own page cache. The region shares its machine with the server, and the system's file cache serves the rest.</summary>
    [Range(16, 65536)]
    public int SharedBuffersMegabytes { get; init; } = 256;

    /// <summary>MB of log between checkpoints. After each one every page is logged whole once more, which costs more than the rows do.</summary>
    [Range(128, 65536)]
    public int WalMegabytesMax { get; init; } = 6144;

    /// <summary>Library that the server loads at its start, such as <c>timescaledb</c>, which must be installed; empty: none.</summary>
    [RegularExpression("^[a-z_0-9]*$")]
    public string PreloadLibrary { get; init; } = "";
}
