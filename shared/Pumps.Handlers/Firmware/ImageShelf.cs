namespace Pumps.Handlers.Firmware;

/// <summary>The images that transfers send now, in memory: a chunk must not cost a read of the whole.</summary>
public sealed class ImageShelf(IFirmwareImages images)
{
    // Rollouts that run at the same time on one host; one more costs reads, not correctness.
    private const int ImagesMax = 4;

    private readonly List<(string Id, Task<(StoredImage, byte[])> Read)> _shelf = [];
    private readonly Lock _gate = new();

    /// <exception cref="InvalidOperationException">There is no such image.</exception>
    public async Task<(StoredImage Image, byte[] Content)> FindAsync(string id, CancellationToken cancel)
    {
        Task<(StoredImage, byte[])> read;
        lock (_gate)
        {
            var at = _shelf.FindIndex(s => s.Id == id && !s.Read.IsFaulted);
            // Not with the asker's token: others wait for the same.
            read = at >= 0 ? _shelf[at].Read : ReadAsync(id);
            _shelf.RemoveAll(s => s.Id == id);
            _shelf.Add((id, read));
            if (_shelf.Count > ImagesMax)
                _shelf.RemoveAt(0);
        }

        return await read.WaitAsync(cancel);
    }

    private async Task<(StoredImage, byte[])> ReadAsync(string id) => (
        await images.FindAsync(id, CancellationToken.None) ?? throw new InvalidOperationException($"There is no firmware image \"{id}\"."),
        await images.ReadAsync(id, CancellationToken.None));
}
