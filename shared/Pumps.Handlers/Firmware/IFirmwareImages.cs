using Pumps.Core.Firmware;
using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Firmware;

/// <summary>An image as it is stored.</summary>
/// <param name="Id">Given by whoever imports it, unique in the region.</param>
public sealed record StoredImage(string Id, string Product, FirmwareHead Head, DateTimeOffset ImportedAt);

/// <summary>What became of an image that was to be removed.</summary>
public enum ImageRemoval
{
    Removed,
    Absent,

    /// <summary>A rollout that is not over sends it.</summary>
    InUse,
}

/// <summary>Images of firmware. PostgreSQL in both worlds.</summary>
public interface IFirmwareImages
{
    /// <summary>Keeps an image whose signature was verified. Safe to repeat: the id finds what is there already.</summary>
    /// <returns>The image as stored, which is another one when the id was taken before; and whether it is new.</returns>
    Task<(StoredImage Image, bool IsNew)> AddAsync(StoredImage image, ReadOnlyMemory<byte> content, CancellationToken cancel);

    Task<StoredImage?> FindAsync(string id, CancellationToken cancel);

    /// <summary>The bytes of an image.</summary>
    /// <exception cref="InvalidOperationException">There is no such image: a transfer keeps its own from being removed.</exception>
    Task<byte[]> ReadAsync(string id, CancellationToken cancel);

    /// <summary>Newest first.</summary>
    Task<Page<StoredImage>> ListAsync(string? product, string? cursor, int limit, CancellationToken cancel);

    Task<ImageRemoval> RemoveAsync(string id, CancellationToken cancel);
}
