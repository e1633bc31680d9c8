using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FASTER.core;

namespace Pumps.LocalRegion.Hubs;

/// <summary>One durable log: FASTER's log on <see cref="SegmentDevice"/>. One thread appends; any may read what is durable.</summary>
/// <remarks>
/// FASTER frames the records (8 bytes checksum, 4 bytes length, aligned to 4; a negative length is a commit record), pages them
/// and finds the last commit after a crash. A record never crosses a page; the rest of a page is zeros. Readers take their bytes
/// from the files, which the system's cache holds: a log costs two pages of memory, and a reader nothing while it waits.
/// </remarks>
internal sealed class PartitionLog : IDisposable
{
    /// <summary>Largest record. IoT Hub takes messages of 256 KiB; the rest is for properties.</summary>
    public const int RecordBytesMax = 384 << 10;

    public const int PageBytes = 512 << 10;

    private const int FrameHeader = 12;

    // FASTER keeps address 0 free.
    private const int FirstAddress = 64;

    // A flush is done when the write returns; it is only ever waited for when FASTER's commit thread is just passing through.
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly SegmentDevice _device;
    private readonly CommitPoint _commitPoint;
    private readonly FasterLog _log;
    private readonly bool _isEmpty;
    private long _durableUntil;
    private FasterLogRecoveryInfo _lastCommit;

    /// <summary>Opens or creates the log.</summary>
    /// <param name="durableUntil">What is known to be durable when the log is opened again after a failed write; else null.</param>
    public PartitionLog(string folder, HubStorageOptions options, long? durableUntil = null)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        _device = new SegmentDevice(folder, options.SegmentBytes, options.BeforeWrite);
        _commitPoint = new CommitPoint(folder);
        try
        {
            if (durableUntil is { } known)
                _device.TruncateTail(known);

            _log = new FasterLog(new FasterLogSettings
            {
                LogDevice = _device,
                LogCommitManager = _commitPoint,
                PageSize = PageBytes,
                MemorySize = 2 * PageBytes,
                SegmentSize = options.SegmentBytes,
                LogChecksum = LogChecksumType.PerEntry,
                FastCommitMode = true,
                TryRecoverLatest = false,
            });
            _log.Recover();
            _durableUntil = _log.CommittedUntilAddress;
            _isEmpty = _durableUntil <= FirstAddress;

            CheckRecovery(durableUntil);

            // A crash can leave records behind the last commit. Their remains would look like records once the log has grown up to them.
            _device.TruncateTail(_durableUntil);
        }
        catch
        {
            _log?.Dispose();
            _device.Dispose();
            throw;
        }
    }

    /// <summary>Where the oldest segment begins.</summary>
    public long Begin => Math.Max(FirstAddress, (long)_device.FirstSegment * _device.SegmentBytes);

    /// <summary>The end of what is durable, and may be read.</summary>
    public long DurableUntil => Volatile.Read(ref _durableUntil);

    /// <summary>Appends a record; it is durable after <see cref="Commit"/>.</summary>
    public void Append(ReadOnlySpan<byte> record)
    {
        var spin = new SpinWait();
        while (!_log.TryEnqueue(record, out _))
        {
            ThrowIfFailed();
            spin.SpinOnce();
        }
    }

    /// <summary>Makes durable what was appended.</summary>
    /// <exception cref="IOException">The disk refused. The log is of no more use: open it again with <see cref="DurableUntil"/>.</exception>
    public void Commit()
    {
        if (!_log.CommitStrongly(out var tail, out var number))
            return;

        var started = Environment.TickCount64;
        var spin = new SpinWait();
        while (_log.FlushedUntilAddress < tail)
        {
            ThrowIfFailed();
            if (Environment.TickCount64 - started > FlushTimeout.TotalMilliseconds)
                throw new IOException($"The log in '{_folder}' was not written within {FlushTimeout}.");
            spin.SpinOnce();
        }

        _device.Sync();
        Volatile.Write(ref _durableUntil, tail);

        _lastCommit = new FasterLogRecoveryInfo { BeginAddress = _log.BeginAddress, UntilAddress = tail, CommitNum = number };
        if (_commitPoint.IsBehind(tail) || tail / _device.SegmentBytes != _commitPoint.Until / _device.SegmentBytes)
            _commitPoint.Write(_lastCommit);
    }

    /// <summary>Writes something beside the log, as large as a page, and takes it away again.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void TryDisk() => _device.TryDisk(PageBytes);

    /// <summary>Saves the next start a walk through the end of the log.</summary>
    public void MarkClosed()
    {
        if (_lastCommit.UntilAddress > _commitPoint.Until)
            _commitPoint.Write(_lastCommit);
    }

    /// <summary>Copies durable bytes from an address on; fewer at the end.</summary>
    public int Read(long address, Span<byte> destination)
    {
        var length = (int)Math.Min(destination.Length, DurableUntil - address);
        var read = _device.Read(address, destination[..length]);
        return read == length
            ? read
            : throw new InvalidDataException($"The log in '{_folder}' ends at {address + read}; it was written until {DurableUntil}.");
    }

    /// <summary>Takes the next record from bytes that <see cref="Read"/> gave.</summary>
    /// <param name="address">Address of the first byte; moves past what was taken.</param>
    /// <param name="bytes">Becomes shorter by what was taken.</param>
    /// <returns>False when the rest holds no whole record.</returns>
    public bool TryNext(ref long address, ref ReadOnlyMemory<byte> bytes, out long recordAddress, out ReadOnlyMemory<byte> record)
    {
        record = default;
        recordAddress = 0;
        while (true)
        {
            var pageRest = PageBytes - (int)(address % PageBytes);
            if (bytes.Length < Math.Min(FrameHeader, pageRest))
                return false;

            var length = pageRest < FrameHeader ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes.Span[8..]);
            if (length == 0)
            {
                var skip = Math.Min(pageRest, bytes.Length);
                address += skip;
                bytes = bytes[skip..];
                if (bytes.IsEmpty)
                    return false;
                continue;
            }

            var frame = FrameHeader + ((Math.Abs(length) + 3) & ~3);
            if (frame > pageRest)
                throw new InvalidDataException($"The log in '{_folder}' is damaged at {address}: a record of {Math.Abs(length)} bytes crosses its page.");
            if (bytes.Length < frame)
                return false;

            if (Checksum(bytes.Span.Slice(8, Math.Abs(length) + 4)) != BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span))
                throw new InvalidDataException($"The log in '{_folder}' is damaged at {address}: the checksum is wrong.");

            recordAddress = address;
            record = bytes.Slice(FrameHeader, Math.Abs(length));
            address += frame;
            bytes = bytes[frame..];
            if (length > 0)
                return true;
        }
    }

    /// <summary>The first record from an address on, or empty.</summary>
    public ReadOnlyMemory<byte> FirstRecord(long from)
    {
        for (var page = from; page < DurableUntil; page = (page / PageBytes + 1) * PageBytes)
        {
            var bytes = new byte[Math.Min(PageBytes - page % PageBytes, DurableUntil - page)];
            ReadOnlyMemory<byte> rest = bytes.AsMemory(0, Read(page, bytes));
            var address = page;
            if (TryNext(ref address, ref rest, out _, out var record))
                return record;
        }

        return default;
    }

    /// <summary>The last record, or empty when the log has none.</summary>
    public ReadOnlyMemory<byte> LastRecord()
    {
        for (var page = (DurableUntil - 1) / PageBytes * PageBytes; page + PageBytes > Begin; page -= PageBytes)
        {
            var from = Math.Max(page, Begin);
            var bytes = new byte[Math.Max(0, Math.Min(page + PageBytes, DurableUntil) - from)];
            ReadOnlyMemory<byte> rest = bytes.AsMemory(0, Read(from, bytes));
            ReadOnlyMemory<byte> last = default;
            while (TryNext(ref from, ref rest, out _, out var record))
                last = record;
            if (!last.IsEmpty)
                return last;
        }

        return default;
    }

    /// <summary>Starts of the segments after the first, up to the one that is written: where the log may begin later on.</summary>
    public IEnumerable<long> SegmentStarts()
    {
        var last = Math.Min(_commitPoint.Until, DurableUntil) / _device.SegmentBytes;
        for (var segment = _device.FirstSegment + 1L; segment <= last; segment++)
            yield return segment * _device.SegmentBytes;
    }

    /// <summary>Deletes the segments before an address that <see cref="SegmentStarts"/> gave.</summary>
    public void RemoveBefore(long segmentStart) => _device.RemoveBefore((int)(segmentStart / _device.SegmentBytes));

    public void Dispose()
    {
        _log.Dispose();
        _device.Dispose();
    }

    // FASTER takes a commit file that it cannot read, and a read that fails, for "nothing there" and would begin a new log over the old one.
    private void CheckRecovery(long? durableUntil)
    {
        if (_commitPoint.ListCommits().Any() && _commitPoint.Until == 0)
            throw new InvalidDataException($"File 'commit' in '{_folder}' is damaged. Restore the folder, or delete it to give up its events.");
        if (_durableUntil < _commitPoint.Until)
            throw new InvalidDataException($"The log in '{_folder}' ends at {_durableUntil}; file 'commit' says that it was written until {_commitPoint.Until}.");
        if (_isEmpty && _device.FirstSegment > 0)
            throw new InvalidDataException($"File 'commit' in '{_folder}' is missing. Restore the folder, or delete it to give up its events.");
        if (durableUntil is { } known && Math.Max(known, FirstAddress) != Math.Max(_durableUntil, FirstAddress))
            throw new InvalidDataException($"The log in '{_folder}' was durable until {known} and is found until {_durableUntil}.");
    }

    private void ThrowIfFailed()
    {
        if (_device.Failure is { } failure)
            throw new IOException($"The log in '{_folder}' cannot be written: {failure.Message}", failure);
    }

    // FASTER's: XOR of the 64-bit words, then of the bytes that are left.
    private static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        var result = 0ul;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            result ^= word;
        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
            result ^= b;
        return result;
    }
}
