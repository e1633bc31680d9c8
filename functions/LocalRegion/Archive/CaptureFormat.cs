using System.Globalization;
using System.Text;
using Avro;
using Avro.Generic;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Hubs;
using Encoder = Avro.IO.Encoder;

namespace Pumps.LocalRegion.Archive;

/// <summary>The Avro record that Event Hubs Capture writes for each event.</summary>
internal static class CaptureFormat
{
    // Capture's own addition to the system properties of a message; here also the exact time, which the text field cuts to seconds.
    public const string EnqueuedTimeMilliseconds = "x-opt-enqueued-time";
    public const string PartitionKey = "x-opt-partition-key";
    public const string BrokerPrefix = "x-opt-";

    // As .NET writes a DateTime in English (United States), which is what Capture does.
    public const string TimeFormat = "M/d/yyyy h:mm:ss tt";

    public static readonly Schema Schema = Schema.Parse(
        """
        {"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
          {"name":"SequenceNumber","type":"long"},
          {"name":"Offset","type":"string"},
          {"name":"EnqueuedTimeUtc","type":"string"},
          {"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
          {"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},
          {"name":"Body","type":["null","bytes"]}]}
        """);

    /// <summary>Where a file lies that was begun at the given time, from the archive's folder on.</summary>
    public static string PathOf(string hub, string partition, DateTimeOffset begun) =>
        Path.Combine(hub, partition, begun.UtcDateTime.ToString("yyyy/MM/dd/HH/mm/ss", CultureInfo.InvariantCulture) + ".avro");

    private static readonly byte[] MessageId = Encoding.UTF8.GetBytes(PropertyNames.MessageId);

    /// <summary>IoT Hub's names, which Capture keeps apart from those of the device.</summary>
    public static bool IsSystem(ReadOnlySpan<byte> property) => property.StartsWith("iothub-"u8) || property.SequenceEqual(MessageId);
}

/// <summary>Writes events without building generic records: at 30,000 a second the archive must not be what the region does most.</summary>
/// <remarks>Avro's binary encoding: numbers as zigzag varints, a length before strings and bytes, the number of a branch before a union's value.</remarks>
internal sealed class CaptureWriter : DatumWriter<HubEvent>
{
    private const int LongBranch = 0;
    private const int StringBranch = 2;
    private const int BytesBranch = 1;
    private const int VarintBytesMax = 10;

    private readonly byte[] _timeText = new byte[32];
    private byte[] _record = new byte[4096];
    private int _length;
    private long _second = -1;
    private int _timeLength;

    public Schema Schema => CaptureFormat.Schema;

    public void Write(HubEvent datum, Encoder encoder)
    {
        Span<char> sequence = stackalloc char[20];
        datum.Sequence.TryFormat(sequence, out var digits, default, CultureInfo.InvariantCulture);

        _length = 0;
        Long(datum.Sequence);
        String(sequence[..digits]);
        Bytes(TimeText(datum.EnqueuedAt));

        var (system, others) = (0, 0);
        for (var property = EventRecord.PropertiesOf(datum); property.Next();)
            _ = CaptureFormat.IsSystem(property.Name) ? system++ : others++;

        Long(system + 2);
        String(CaptureFormat.PartitionKey);
        Long(StringBranch);
        String(datum.Key);
        String(CaptureFormat.EnqueuedTimeMilliseconds);
        Long(LongBranch);
        Long(datum.EnqueuedAt.ToUnixTimeMilliseconds());
        Items(datum, system: true);
        Long(0);

        if (others > 0)
        {
            Long(others);
            Items(datum, system: false);
        }

        Long(0);

        Long(BytesBranch);
        Bytes(datum.Body.Span);
        encoder.WriteFixed(_record, 0, _length);
    }

    private ReadOnlySpan<byte> TimeText(DateTimeOffset at)
    {
        var second = at.ToUnixTimeSeconds();
        if (second != _second)
        {
            at.UtcDateTime.TryFormat(_timeText, out _timeLength, CaptureFormat.TimeFormat, CultureInfo.InvariantCulture);
            _second = second;
        }

        return _timeText.AsSpan(0, _timeLength);
    }

    private void Items(HubEvent e, bool system)
    {
        for (var property = EventRecord.PropertiesOf(e); property.Next();)
        {
            if (CaptureFormat.IsSystem(property.Name) != system)
                continue;
            Bytes(property.Name);
            Long(StringBranch);
            Bytes(property.Value);
        }
    }

    private void Long(long value)
    {
        var room = Room(VarintBytesMax);
        var bits = (ulong)((value << 1) ^ (value >> 63));
        var at = 0;
        for (; bits >= 0x80; bits >>= 7)
            room[at++] = (byte)(bits | 0x80);
        room[at++] = (byte)bits;
        _length += at;
    }

    private void String(ReadOnlySpan<char> text)
    {
        Long(Encoding.UTF8.GetByteCount(text));
        _length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        Long(bytes.Length);
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    private Span<byte> Room(int count)
    {
        if (_record.Length - _length < count)
            Array.Resize(ref _record, Math.Max(_record.Length * 2, _length + count));
        return _record.AsSpan(_length);
    }
}
