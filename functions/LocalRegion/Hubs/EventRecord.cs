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

    private static readonly byte[][] NamesUtf8 = [.. Names.Select(n => Encoding.UTF8.GetBytes(n.Name))];

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

        var key = strings.Get(Key(span));
        var body = record[^BinaryPrimitives.ReadInt32LittleEndian(span[4..])..];
        return new HubEvent(sequence, EnqueuedAt(span), key, span[1] == 0 ? EventProperties.None : new StoredProperties(record, strings), body);
    }

    /// <summary>The properties of an event that <see cref="Read"/> gave, as they lie in the log: for those who copy them and need no text.</summary>
    public static StoredPropertyReader PropertiesOf(HubEvent e) =>
        e.Properties is StoredProperties stored ? new(stored.Record.Span) : default;

    private static KeyValuePair<string, string>[] ReadProperties(ReadOnlySpan<byte> span, StringCache strings)
    {
        var key = Key(span);
        var keyText = strings.Get(key);
        var items = new KeyValuePair<string, string>[span[1]];
        var reader = new StoredPropertyReader(span);
        for (var i = 0; reader.Next(); i++)
        {
            var (name, repeats) = Names[reader.Code];

            // The device's id stands in the key and again in properties.
            items[i] = new(
                reader.Code == 0 ? strings.Get(reader.Name) : name,
                reader.Value.SequenceEqual(key) ? keyText : repeats ? strings.Get(reader.Value) : Encoding.UTF8.GetString(reader.Value));
        }

        return items;
    }

    private static ReadOnlySpan<byte> Key(ReadOnlySpan<byte> record) =>
        record.Slice(HeaderSize, BinaryPrimitives.ReadUInt16LittleEndian(record[2..]));

    /// <summary>Walks through the properties of a record; of a <c>default</c> one there are none.</summary>
    internal ref struct StoredPropertyReader(ReadOnlySpan<byte> record)
    {
        private readonly ReadOnlySpan<byte> _record = record;
        private int _left = record[1];
        private int _at = HeaderSize + EventRecord.Key(record).Length;

        /// <summary>Which of the names that everybody knows; 0 for another.</summary>
        public byte Code { get; private set; }

        public ReadOnlySpan<byte> Name { get; private set; }

        public ReadOnlySpan<byte> Value { get; private set; }

        public bool Next()
        {
            if (_left == 0)
                return false;

            _left--;
            Code = _record[_at++];
            Name = NamesUtf8[Code];
            if (Code == 0)
            {
                Name = _record.Slice(_at + 1, _record[_at]);
                _at += 1 + Name.Length;
            }

            Value = _record.Slice(_at + 2, BinaryPrimitives.ReadUInt16LittleEndian(_record[_at..]));
            _at += 2 + Value.Length;
            return true;
        }
    }

    private sealed class StoredProperties(ReadOnlyMemory<byte> record, StringCache strings) : EventProperties
    {
        public ReadOnlyMemory<byte> Record => record;

        protected override KeyValuePair<string, string>[] Load() => ReadProperties(record.Span, strings);
    }
}
