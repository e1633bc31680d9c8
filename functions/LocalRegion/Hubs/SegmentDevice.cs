using System.Runtime.InteropServices;
using FASTER.core;
using Microsoft.Win32.SafeHandles;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The files of one log: segments <c>log.0</c>, <c>log.1</c>, ... in a folder.</summary>
/// <remarks>
/// FASTER's own device opens files write-through, which is one synchronous write per page and commit, and reports a full disk
/// as an error number. This one writes at once on the calling thread, leaves durability to <see cref="Sync"/> (one per group of
/// appends), and keeps the exception. One thread writes; any may read.
/// </remarks>
internal sealed class SegmentDevice : StorageDeviceBase
{
    private const string Prefix = "log.";

    private readonly string _folder;
    private readonly Action<string>? _beforeWrite;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, SafeFileHandle> _handles = [];
    private readonly List<int> _written = [];
    private bool _created;

    public SegmentDevice(string folder, int segmentBytes, Action<string>? beforeWrite)
        : base(Path.Combine(folder, "log"), sectorSize: 512, Devices.CAPACITY_UNSPECIFIED)
    {
        _folder = folder;
        _beforeWrite = beforeWrite;
        SegmentBytes = segmentBytes;
        FirstSegment = Segments().DefaultIfEmpty(0).Min();
    }

    public int SegmentBytes { get; }

    /// <summary>The oldest segment that is there.</summary>
    public int FirstSegment { get; private set; }

    /// <summary>Why the last write failed; FASTER goes on with an error number alone.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Reads as much as there is, up to the whole destination.</summary>
    public int Read(long address, Span<byte> destination)
    {
        var total = 0;
        while (total < destination.Length)
        {
            var segment = (int)((address + total) / SegmentBytes);
            var offset = (address + total) % SegmentBytes;
            var part = destination[total..Math.Min(destination.Length, total + (int)(SegmentBytes - offset))];
            if (Handle(segment, create: false) is not { } handle)
                return total;

            var read = RandomAccess.Read(handle, part, offset);
            if (read == 0)
                return total;
            total += read;
        }

        return total;
    }

    /// <summary>Returns when everything written is on the disk.</summary>
    public void Sync()
    {
        foreach (var segment in _written)
            RandomAccess.FlushToDisk(Handle(segment, create: true)!);
        _written.Clear();
        if (_created)
            Folders.Sync(_folder);
        _created = false;
    }

    /// <summary>Writes so many bytes to the folder's disk and takes them away again.</summary>
    public void TryDisk(int bytes)
    {
        var path = Path.Combine(_folder, "trial");
        _beforeWrite?.Invoke(path);
        using var handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write, options: FileOptions.DeleteOnClose);
        RandomAccess.Write(handle, new byte[bytes], 0);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Forgets what lies behind the address, so that no remains of a broken write are ever taken for records.</summary>
    public void TruncateTail(long address)
    {
        foreach (var segment in Segments())
        {
            var length = Math.Max(0, address - (long)segment * SegmentBytes);
            if (length >= SegmentBytes)
                continue;

            var handle = Handle(segment, create: true)!;
            if (RandomAccess.GetLength(handle) > length)
            {
                RandomAccess.SetLength(handle, length);
                RandomAccess.FlushToDisk(handle);
            }
        }
    }

    /// <summary>Deletes the segments before the given one.</summary>
    public void RemoveBefore(int segment)
    {
        for (; FirstSegment < segment; FirstSegment++)
            RemoveSegment(FirstSegment);
    }

    public override void RemoveSegment(int segment)
    {
        lock (_gate)
        {
            if (_handles.Remove(segment, out var handle))
                handle.Dispose();
        }

        File.Delete(PathOf(segment));
    }

    public override unsafe void WriteAsync(
        IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite, DeviceIOCompletionCallback callback, object context)
    {
        var error = 0u;
        try
        {
            _beforeWrite?.Invoke(PathOf(segmentId));
            RandomAccess.Write(
                Handle(segmentId, create: true)!, new ReadOnlySpan<byte>((void*)sourceAddress, (int)numBytesToWrite), (long)destinationAddress);
            if (!_written.Contains(segmentId))
                _written.Add(segmentId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failure = e;
            error = 1;
        }

        callback(error, error == 0 ? numBytesToWrite : 0, context);
    }

    // Only recovery reads this way. What is not there reads as zeros: the end of the log.
    public override unsafe void ReadAsync(
        int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength, DeviceIOCompletionCallback callback, object context)
    {
        var destination = new Span<byte>((void*)destinationAddress, (int)readLength);
        var read = Read((long)segmentId * SegmentBytes + (long)sourceAddress, destination);
        destination[read..].Clear();
        callback(0, readLength, context);
    }

    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result)
    {
        RemoveSegment(segment);
        callback(result);
    }

    public override void Dispose()
    {
        lock (_gate)
        {
            foreach (var handle in _handles.Values)
                handle.Dispose();
            _handles.Clear();
        }
    }

    private IEnumerable<int> Segments() =>
        Directory.EnumerateFiles(_folder, Prefix + "*")
            .Select(path => int.TryParse(Path.GetFileName(path.AsSpan())[Prefix.Length..], out var number) ? number : -1)
            .Where(number => number >= 0)
            .ToList();

    private string PathOf(int segment) => Path.Combine(_folder, Prefix + segment);

    private SafeFileHandle? Handle(int segment, bool create)
    {
        lock (_gate)
        {
            if (_handles.TryGetValue(segment, out var handle))
                return handle;

            var path = PathOf(segment);
            if (!File.Exists(path))
            {
                if (!create)
                    return null;
                _created = true;
            }

            return _handles[segment] = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
    }
}

/// <summary>Makes the names in a folder durable: a synced file that nobody can find is lost all the same.</summary>
internal static partial class Folders
{
    public static void Sync(string folder)
    {
        // Windows keeps names with the file.
        if (OperatingSystem.IsWindows())
            return;

        var descriptor = Open(folder, 0);
        if (descriptor < 0)
            throw new IOException($"Folder '{folder}' cannot be opened to be synced: error {Marshal.GetLastPInvokeError()}.");
        try
        {
            if (Fsync(descriptor) != 0)
                throw new IOException($"Folder '{folder}' cannot be synced: error {Marshal.GetLastPInvokeError()}.");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Replaces a file so that a crash leaves the old or the new content, whole.</summary>
    public static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        var next = path + ".next";
        using (var handle = File.OpenHandle(next, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(handle, content, 0);
            RandomAccess.FlushToDisk(handle);
        }

        File.Move(next, path, overwrite: true);
        Sync(Path.GetDirectoryName(path)!);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
