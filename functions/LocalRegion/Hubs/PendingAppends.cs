using System.Buffers;
using System.Buffers.Binary;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Hubs;

/// <summary>Told once when what it waits for is durable, or has failed.</summary>
internal interface IAppendWaiter
{
    void Done(Exception? error);
}

/// <summary>What came while the log was being written: records one after the other, each behind its length, and who waits for them.</summary>
internal sealed class PendingAppends
{
    private byte[] _buffer = [];

    public int Bytes { get; private set; }

    public List<IAppendWaiter> Waiters { get; } = [];

    public bool IsEmpty => Waiters.Count == 0;

    public void Add(in OutgoingEvent e, int size, DateTimeOffset enqueuedAt)
    {
        var needed = Bytes + sizeof(int) + size;
        if (needed > _buffer.Length)
            Grow(needed);

        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(Bytes), size);
        EventRecord.Write(e, enqueuedAt, _buffer.AsSpan(Bytes + sizeof(int), size));
        Bytes = needed;
    }

    public bool TryNext(ref int at, out Span<byte> record)
    {
        if (at == Bytes)
        {
            record = default;
            return false;
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(at));
        record = _buffer.AsSpan(at + sizeof(int), size);
        at += sizeof(int) + size;
        return true;
    }

    public void Clear()
    {
        Bytes = 0;
        Waiters.Clear();

        // A partition that is quiet holds no memory.
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Grow(int needed)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(16 << 10, _buffer.Length * 2)));
        _buffer.AsSpan(0, Bytes).CopyTo(larger);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
