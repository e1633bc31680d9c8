using System.Globalization;
using System.Runtime.InteropServices;
using Avro;
using Avro.Generic;
using Avro.IO;
using Pumps.Handlers.Hubs;

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

    /// <summary>IoT Hub's names, which Capture keeps apart from those of the device.</summary>
    public static bool IsSystem(string property) =>
        property.StartsWith("iothub-", StringComparison.Ordinal) || property is PropertyNames.MessageId;
}

/// <summary>Writes events without building generic records: at 30,000 a second the archive must not be what the region does most.</summary>
internal sealed class CaptureWriter : DatumWriter<HubEvent>
{
    private const int LongBranch = 0;
    private const int StringBranch = 2;
    private const int BytesBranch = 1;

    public Schema Schema => CaptureFormat.Schema;

    public void Write(HubEvent datum, Encoder encoder)
    {
        encoder.WriteLong(datum.Sequence);
        encoder.WriteString(datum.Sequence.ToString(CultureInfo.InvariantCulture));
        encoder.WriteString(datum.EnqueuedAt.UtcDateTime.ToString(CaptureFormat.TimeFormat, CultureInfo.InvariantCulture));

        var items = datum.Properties.Items;
        var system = 0;
        foreach (var item in items)
            system += CaptureFormat.IsSystem(item.Key) ? 1 : 0;

        encoder.WriteMapStart();
        encoder.SetItemCount(system + 2);
        WriteItem(encoder, CaptureFormat.PartitionKey, datum.Key);
        encoder.StartItem();
        encoder.WriteString(CaptureFormat.EnqueuedTimeMilliseconds);
        encoder.WriteUnionIndex(LongBranch);
        encoder.WriteLong(datum.EnqueuedAt.ToUnixTimeMilliseconds());
        foreach (var item in items)
            if (CaptureFormat.IsSystem(item.Key))
                WriteItem(encoder, item.Key, item.Value);
        encoder.WriteMapEnd();

        encoder.WriteMapStart();
        encoder.SetItemCount(items.Length - system);
        foreach (var item in items)
            if (!CaptureFormat.IsSystem(item.Key))
                WriteItem(encoder, item.Key, item.Value);
        encoder.WriteMapEnd();

        encoder.WriteUnionIndex(BytesBranch);
        if (MemoryMarshal.TryGetArray(datum.Body, out var body))
            encoder.WriteBytes(body.Array, body.Offset, body.Count);
        else
            encoder.WriteBytes(datum.Body.ToArray());
    }

    private static void WriteItem(Encoder encoder, string name, string value)
    {
        encoder.StartItem();
        encoder.WriteString(name);
        encoder.WriteUnionIndex(StringBranch);
        encoder.WriteString(value);
    }
}
