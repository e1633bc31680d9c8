using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Hubs;

/// <summary>Reads and writes an event as it lies in the log.</summary>
/// <remarks>
/// Little endian. What is stored stays readable: a change of the layout is a new version.
/// <code>
///  offset size field
///       0    1 version       1
///       1    1 properties    number of
///       2    2 key length
///       4    4 body length
///       8    8 ordinal       1, 2, 3, ... in the partition: lag in events is a difference
///      16    8 enqueued at   ticks, UTC
///      24      key           UTF-8
///              properties    each: code (1); code 0: name length (1), name; value length (2), value
///              body
/// </code>
/// </remarks>
internal static class EventRecord
{
    public const int HeaderSize = 24;

    private const byte Version = 1;
    private const int OrdinalAt = 8;
    private const int EnqueuedAtAt = 16;

    // The position is the code on disk: append at the end, never reorder. "Repeats" says that few values recur, so that they are worth a cache.
    private static readonly (string Name, bool Repeats)[] Names =
    [
        ("", false),
        (PropertyNames.DeviceId, true),
        (PropertyNames.EnqueuedTime, false),
        (PropertyNames.MessageId, false),
        (PropertyNames.CreationTime, false),
        (PropertyNames.HeaderType, true),
        (PropertyNames.Protocol, true),
        (PropertyNames.Offering, true),
        (PropertyNames.Product, true),
        (PropertyNames.Customer, true),
        (PropertyNames.Region, true),
        (PropertyNames.UtcOffset, true),
        (PropertyNames.ReplayOf, false),
        (PropertyNames.ReplayEnqueuedTime, false),
        (PropertyNames.CloudEventId, false),
        (PropertyNames.CloudEventSource, true),
        (PropertyNames.CloudEventType, true),
        (PropertyNames.CloudEventSubject, true),
        (PropertyNames.CloudEventTime, false),
        (PropertyNames.Dictionary, true),
        (PropertyNames.Decoder, true),
        (PropertyNames.TraceParent, false),
    ];

    private static readonly FrozenDictionary<string, byte> Codes =
        Names.Skip(1).Select((n, i) => (n.Name, Code: (byte)(i + 1))).ToFrozenDictionary(n => n.Name, n => n.Code);

    /// <summary>Bytes that the event takes.</summary>
    /// <exception cref="EventTooLargeException">The event, or a part of it, does not fit.</exception>
    public static int Measure(in OutgoingEvent e, int maxBytes)
    {
        var key = Encoding.UTF8.GetByteCount(e.Key);
        if (key > ushort.MaxValue)
            throw new EventTooLargeException($"The key of the event is {key} bytes long; a key has at most {ushort.MaxValue}.");
        if (e.Properties.Items.Length > byte.MaxValue)
            throw new EventTooLargeException($"The event of {e.Key} has {e.Properties.Items.Length} properties; at most {byte.MaxValue} fit.");

        var size = (long)HeaderSize + key + e.Body.Length;
        foreach (var (name, value) in e.Properties.Items)
        {
            var valueBytes = Encoding.UTF8.GetByteCount(value);
            var nameBytes = Codes.ContainsKey(name) ? 0 : 1 + Encoding.UTF8.GetByteCount(name);
            if (valueBytes > ushort.MaxValue || nameBytes > 1 + byte.MaxValue)
                throw new EventTooLargeException($"Property '{name}' of the event of {e.Key} is too long: a name has at most 255 bytes, a value 65535.");
            size += 1 + nameBytes + 2 + valueBytes;
        }

        return size <= maxBytes
            ? (int)size
            : throw new EventTooLargeException($"The event of {e.Key} takes {size} bytes; a hub takes at most {maxBytes}.");
    }

    /// <summary>Writes all but the ordinal, which the log gives when it takes the record.</summary>
    public static void Write(in OutgoingEvent e, DateTimeOffset enqueuedAt, Span<byte> to)
    {
        to[0] = Version;
        to[1] = (byte)e.Properties.Items.Length;
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], e.Body.Length);
        BinaryPrimitives.WriteInt64LittleEndian(to[EnqueuedAtAt..], enqueuedAt.UtcTicks);

        var at = HeaderSize + Encoding.UTF8.GetBytes(e.Key, to[HeaderSize..]);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)(at - HeaderSize));

        foreach (var (name, value) in e.Properties.Items)
        {
            if (Codes.TryGetValue(name, out var code))
            {
                to[at++] = code;
            }
            else
            {
                to[at++] = 0;
                var nameBytes = Encoding.UTF8.GetBytes(name, to[(at + 1)..]);
                to[at] = (byte)nameBytes;
                at += 1 + nameBytes;
            }

            var bytes = Encoding.UTF8.GetBytes(value, to[(at + 2)..]);
            BinaryPrimitives.WriteUInt16LittleEndian(to[at..], (ushort)bytes);
            at += 2 + bytes;
        }

        e.Body.Span.CopyTo(to[at..]);
    }

    public static void SetOrdinal(Span<byte> record, long ordinal) => BinaryPrimitives.WriteInt64LittleEndian(record[OrdinalAt..], ordinal);

    public static long Ordinal(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadInt64LittleEndian(record[OrdinalAt..]);

    public static DateTimeOffset EnqueuedAt(ReadOnlySpan<byte> record) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(record[EnqueuedAtAt..]), TimeSpan.Zero);

    /// <summary>The event; its body is a part of <paramref name="record"/>, and its properties are read from there when somebody looks at them.</summary>
    public static HubEvent Read(long sequence, ReadOnlyMemory<byte> record, StringCache strings)
    {
        var span = record.Span;
        if (span[0] != Version)
            throw new InvalidDataException($"The event at {sequence} has layout version {span[0]}; this program reads version {Version}.");

        var keyLength = BinaryPrimitives.ReadUInt16LittleEndian(span[2..]);
        var key = strings.Get(span.Slice(HeaderSize, keyLength));
        var body = record[^BinaryPrimitives.ReadInt32LittleEndian(span[4..])..];
        return new HubEvent(sequence, EnqueuedAt(span), key, span[1] == 0 ? EventProperties.None : new StoredProperties(record, strings), body);
    }

    private static KeyValuePair<string, string>[] ReadProperties(ReadOnlySpan<byte> span, StringCache strings)
    {
        var key = span.Slice(HeaderSize, BinaryPrimitives.ReadUInt16LittleEndian(span[2..]));
        var at = HeaderSize + key.Length;
        var keyText = strings.Get(key);
        var items = new KeyValuePair<string, string>[span[1]];
        for (var i = 0; i < items.Length; i++)
        {
            var (name, repeats) = Names[span[at]];
            if (span[at++] == 0)
            {
                name = strings.Get(span.Slice(at + 1, span[at]));
                at += 1 + span[at];
            }

            var value = span.Slice(at + 2, BinaryPrimitives.ReadUInt16LittleEndian(span[at..]));
            at += 2 + value.Length;
            // The device's id stands in the key and again in properties.
            items[i] = new(name, value.SequenceEqual(key) ? keyText : repeats ? strings.Get(value) : Encoding.UTF8.GetString(value));
        }

        return items;
    }

    private sealed class StoredProperties(ReadOnlyMemory<byte> record, StringCache strings) : EventProperties
    {
        protected override KeyValuePair<string, string>[] Load() => ReadProperties(record.Span, strings);
    }
}
