using System.Security.Cryptography;

namespace Pumps.Handlers.Firmware;

/// <summary>The bytes of images that transfers send now, in memory: a chunk must not cost a read of the whole.</summary>
/// <remarks>By their digest, not by their id, which another image may have got since.</remarks>
public sealed class ImageShelf(IFirmwareImages images)
{
    // Rollouts that run at the same time on one host; one more costs reads, not correctness.
    private const int ImagesMax = 16;

    private readonly List<(string Digest, Task<byte[]> Read)> _shelf = [];
    private readonly Lock _gate = new();

    /// <exception cref="InvalidOperationException">There is no such image, or its bytes are not those that it was imported with.</exception>
    public async Task<(StoredImage Image, byte[] Content)> FindAsync(string id, CancellationToken cancel)
    {
        var image = await images.FindAsync(id, cancel) ?? throw new InvalidOperationException($"There is no firmware image \"{id}\".");
        var digest = Convert.ToHexString(image.Head.Sha256);
        Task<byte[]> read;
        lock (_gate)
        {
            var at = _shelf.FindIndex(s => s.Digest == digest && !s.Read.IsFaulted);
            // Not with the asker's token: others wait for the same.
            read = at >= 0 ? _shelf[at].Read : ReadAsync(image);
            _shelf.RemoveAll(s => s.Digest == digest);
            _shelf.Add((digest, read));
            if (_shelf.Count > ImagesMax)
                _shelf.RemoveAt(0);
        }

        return (image, await read.WaitAsync(cancel));
    }

    private async Task<byte[]> ReadAsync(StoredImage image)
    {
        var content = await images.ReadAsync(image.Id, CancellationToken.None);
        return SHA256.HashData(content).AsSpan().SequenceEqual(image.Head.Sha256)
            ? content
            : throw new InvalidOperationException($"Firmware image \"{image.Id}\" is stored with other bytes than it was imported with: nothing of it is sent.");
    }
}
