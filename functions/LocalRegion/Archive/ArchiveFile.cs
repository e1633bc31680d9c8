using Avro.File;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Archive;

/// <summary>A file of the archive while it is written: under another name, so that a file that is there is whole.</summary>
internal sealed class ArchiveFile : IDisposable
{
    // The size of an Avro block: what a reader holds at once, and what compression works on.
    private const int BlockBytes = 64 << 10;

    private readonly string _unfinished;
    private readonly FileStream _stream;
    private readonly IFileWriter<HubEvent> _writer;

    /// <param name="unfinished">Name until <see cref="Finish"/>; what a crash left there is replaced.</param>
    public ArchiveFile(string unfinished, bool compress)
    {
        _unfinished = unfinished;
        Directory.CreateDirectory(Path.GetDirectoryName(unfinished)!);
        _stream = new FileStream(unfinished, FileMode.Create, FileAccess.Write);
        _writer = DataFileWriter<HubEvent>.OpenWriter(
            new CaptureWriter(), _stream, compress ? new FastDeflate() : Codec.CreateCodec(Codec.Type.Null), leaveOpen: true);
        _writer.SetSyncInterval(BlockBytes);
    }

    public long Bytes => _stream.Position;

    public void Append(HubEvent e) => _writer.Append(e);

    /// <summary>Makes the file durable, then gives it its name.</summary>
    public void Finish(string path)
    {
        _writer.Flush();
        _stream.Flush(flushToDisk: true);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Move(_unfinished, path);
        Hubs.Folders.Sync(Path.GetDirectoryName(path)!);
    }

    public void Dispose()
    {
        try
        {
            // Writes what it still holds: to no purpose when the file was finished or is given up, and it may fail on a full disk.
            _writer.Dispose();
        }
        finally
        {
            _stream.Dispose();
        }
    }
}
