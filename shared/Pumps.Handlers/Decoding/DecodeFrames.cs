using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Pumps.Core.Feeds;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Decoding;

/// <summary>Decodes one batch of raw frames and fans the observations out to the feeds of their offerings.</summary>
/// <remarks>
/// Safe to run twice on the same batch: feed events keep their ids, and what was passed on before is recognized or dropped by the stores' keys.
/// Order per device is kept. A frame that cannot be read, or whose device has no usable tags, goes to the dead letters with its body, and
/// the batch goes on. If a port fails, the exception goes up, and the host must bring the same batch again.
/// Protocol and offering are believed from the tags that enrichment adds, never from the device.
/// </remarks>
public sealed class DecodeFrames(Catalog catalog, IHubPublisher feeds, IDeadLetters deadLetters, Ledger ledger, ILogger<DecodeFrames> log)
{
    public const string Service = "decode";

    // One lane per partition: decoders, buffers and the memory of recent frames are reused, and a partition's batches come one after the other.
    private readonly ConcurrentDictionary<(string Hub, string Partition), Lane> _lanes = new();

    public async Task HandleAsync(HubBatch batch, CancellationToken cancel)
    {
        using var handling = ledger.Begin(Service, batch, cancel);
        var lane = _lanes.GetOrAdd((batch.Hub, batch.Partition), key => new Lane(key.Hub));
        await lane.Turn.WaitAsync(cancel);
        try
        {
            lane.Clear();
            foreach (var e in batch.Events)
                Decode(lane, batch, e);

            await Task.WhenAll(lane.Outgoing.Where(o => o.Value.Count > 0).Select(o => feeds.PublishAsync(o.Key, lane.EventsFor(o.Value), cancel)));
            await handling.SetAsideAsync(deadLetters, lane.DeadLetters, cancel);

            foreach (var (device, digest) in lane.Passed)
                lane.Recent.Add(device, digest);
            handling.Done(new(batch.Events.Count, lane.Passed.Count - lane.Silent, lane.DeadLetters.Count, lane.Duplicates, lane.Silent));
        }
        finally
        {
            lane.Turn.Release();
        }
    }

    private void Decode(Lane lane, HubBatch batch, HubEvent e)
    {
        var device = e.Properties[PropertyNames.DeviceId] ?? e.Key;
        var isReplay = e.Properties[PropertyNames.ReplayOf] is not null;

        if (batch.Hub == catalog.Routes.Fallback)
        {
            var untagged = e.Properties.Tag(PropertyNames.Protocol) is null;
            SetAside(lane, batch, e, device, untagged ? "untagged_device" : "no_route", untagged
                ? "the twin tag \"protocol\" is missing"
                : $"no route takes header type \"{e.Properties[PropertyNames.HeaderType]}\"");
            return;
        }

        if (!TryReadTags(e, device, out var tags, out var fault))
        {
            SetAside(lane, batch, e, device, fault.Code, fault.Detail);
            return;
        }

        var frameBytes = e.Body.Span;
        var digest = Digest(frameBytes);
        if (!isReplay && (lane.Recent.Contains(device, digest) || !lane.InBatch.Add((device, digest))))
        {
            lane.Duplicates++;
            return;
        }

        var receivedAt = ReceivedAt(e);
        var context = new DecodeContext(Direction.Up, receivedAt, tags.UtcOffsetMinutes, tags.Identity, catalog.Dictionaries);
        DecodedFrame frame = tags.Protocol is Protocol.Dp1 ? lane.Dp1 : lane.Dp2;
        var error = tags.Protocol is Protocol.Dp1
            ? Dp1Decoder.TryDecode(frameBytes, in context, lane.Dp1)
            : Dp2Decoder.TryDecode(frameBytes, in context, lane.Dp2);
        if (error is not DecodeError.None)
        {
            Metrics.DecodeErrors.Add(1, new TagList { { "code", error.Code() }, { "protocol", tags.Protocol.Name() }, { "product", tags.Product } });
            SetAside(lane, batch, e, device, error.Code(), $"{frameBytes.Length} bytes");
            return;
        }

        if (catalog.FeedHub(tags.Offering, frame.Kind) is not { } hub)
        {
            SetAside(lane, batch, e, device, "unknown_offering", $"the catalog has no offering \"{tags.Offering}\"");
            return;
        }

        lane.Passed.Add((device, digest));
        Pass(lane, hub, batch, e, device, receivedAt, tags, frame);
    }

    private void Pass(Lane lane, string hub, HubBatch batch, HubEvent e, string device, long receivedAt, in Tags tags, DecodedFrame frame)
    {
        lane.Written.Clear();
        var members = FrameMembers.Write(frame, lane.Members);
        lane.Writer.Write(frame, device, receivedAt, members, lane.Output, lane.Written);
        if (lane.Written.Count == 0)
        {
            // A heartbeat says nothing that a feed carries; an event or an answer says it without datapoints.
            if (frame.Kind is FrameKind.Telemetry)
            {
                lane.Silent++;
                return;
            }

            ObservationWriter.WriteEmpty(frame, FrameMembers.ObservedAt(frame), device, receivedAt, members, lane.Output, lane.Written);
        }

        var id = e.Properties[PropertyNames.ReplayOf] ?? $"{batch.Hub}:{batch.Partition}:{e.Sequence}";
        var outgoing = lane.For(hub);
        for (var i = 0; i < lane.Written.Count; i++)
        {
            var written = lane.Written[i];
            outgoing.Add(new(device, written.Start, written.Length, new EventProperties(
            [
                new(PropertyNames.CloudEventId, lane.Written.Count == 1 ? id : $"{id}/{i}"),
                new(PropertyNames.CloudEventSource, lane.Source),
                new(PropertyNames.CloudEventType, FrameMembers.EventType(frame.Kind)),
                new(PropertyNames.CloudEventSubject, device),
                new(PropertyNames.CloudEventTime, lane.Time(written.ObservedAtMs)),
                new(PropertyNames.Offering, tags.Offering),
                new(PropertyNames.Product, tags.Product),
                new(PropertyNames.Customer, tags.Customer),
                new(PropertyNames.Protocol, tags.Protocol.Name()),
                new(PropertyNames.Dictionary, tags.DictionaryId),
                new(PropertyNames.Decoder, tags.Protocol is Protocol.Dp1 ? "dp1/1" : "dp2/1"),
                .. TraceContext.Of(e.Properties),
            ])));
        }
    }

    private void SetAside(Lane lane, HubBatch batch, HubEvent e, string device, string code, string detail)
    {
        lane.DeadLetters.Add(new(batch.Hub, batch.Partition, e.Sequence, e.EnqueuedAt, device, code, detail, e.Properties, e.Body));
        log.FrameSetAside(device, e.Body.Length, code);
    }

    private bool TryReadTags(HubEvent e, string device, out Tags tags, out (string Code, string Detail) fault)
    {
        tags = default;
        fault = ("untagged_device", "");

        // One walk over the properties instead of a search for each.
        string? protocolTag = null, offering = null, productTag = null, customer = null, offset = null;
        foreach (var (name, value) in e.Properties.Items)
        {
            if (value.StartsWith("$twin.", StringComparison.Ordinal))
                continue;
            switch (name)
            {
                case PropertyNames.Protocol: protocolTag = value; break;
                case PropertyNames.Offering: offering = value; break;
                case PropertyNames.Product: productTag = value; break;
                case PropertyNames.Customer: customer = value; break;
                case PropertyNames.UtcOffset: offset = value; break;
                default: break;
            }
        }

        if (protocolTag is not ("dp1" or "dp2"))
            return Fault("the twin tag \"protocol\" is missing or not dp1 or dp2", out fault);
        if (offering is null)
            return Fault("the twin tag \"offering\" is missing", out fault);

        var protocol = protocolTag == "dp1" ? Protocol.Dp1 : Protocol.Dp2;
        var minutes = 0;
        if (protocol is Protocol.Dp1 && !int.TryParse(offset, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out minutes))
            return Fault("the twin tag \"utcOffset\" is missing or not a number of minutes; a DP1 device's time cannot be read without it", out fault);

        if (!TryReadIdentity(device, protocol, out var identity))
        {
            fault = ("foreign_device_id", $"\"{device}\" is not the id of a {protocolTag} device");
            return false;
        }

        var dictionary = productTag is not null && catalog.Products.TryGetValue(productTag, out var product)
            ? product.Dictionary.ToString(CultureInfo.InvariantCulture)
            : "";
        tags = new(protocol, offering, productTag ?? "", customer ?? "", minutes, identity, dictionary);
        return true;
    }

    private static bool Fault(string detail, out (string Code, string Detail) fault)
    {
        fault = ("untagged_device", detail);
        return false;
    }

    private static bool TryReadIdentity(string device, Protocol protocol, out ulong identity)
    {
        identity = 0;
        return device.Length > 4 && (protocol is Protocol.Dp1
            ? device.StartsWith("dp1-", StringComparison.Ordinal)
                && ulong.TryParse(device.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out identity) && identity <= uint.MaxValue
            : device.StartsWith("dp2-", StringComparison.Ordinal)
                && ulong.TryParse(device.AsSpan(4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out identity));
    }

    /// <summary>When IoT Hub took the message, ms since 1970 UTC; of a replayed one, when it first did.</summary>
    private static long ReceivedAt(HubEvent e)
    {
        // IoT Hub's own time first, which a replay carries along: the raw hub's is later, and a clock that is wrong is replaced by it.
        var text = e.Properties[PropertyNames.EnqueuedTime] ?? e.Properties[PropertyNames.ReplayEnqueuedTime];
        return (text is not null && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : e.EnqueuedAt).ToUnixTimeMilliseconds();
    }

    /// <summary>64 bits of the frame, to recognize its repetition. Only a device can collide, and only with itself.</summary>
    private static ulong Digest(ReadOnlySpan<byte> bytes)
    {
        var hash = 0x9E3779B97F4A7C15UL ^ (ulong)bytes.Length;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            hash = Mix(hash ^ b);
        return hash;
    }

    private static ulong Mix(ulong hash)
    {
        hash *= 0xFF51AFD7ED558CCDUL;
        return hash ^ (hash >> 29);
    }

    private readonly record struct Tags(
        Protocol Protocol, string Offering, string Product, string Customer, int UtcOffsetMinutes, ulong Identity, string DictionaryId);

    /// <summary>An event whose body still lies in the lane's output, which may move while it grows.</summary>
    private readonly record struct Pending(string Key, int Start, int Length, EventProperties Properties);

    private sealed class Lane(string hub)
    {
        /// <summary>CloudEvents source of what is made from this hub's frames.</summary>
        public string Source { get; } = $"urn:pumps:{hub}";

        public SemaphoreSlim Turn { get; } = new(1);

        public Dp1Telegram Dp1 { get; } = new();

        public Dp2Frame Dp2 { get; } = new();

        public ObservationWriter Writer { get; } = new();

        public Utf8Output Output { get; } = new();

        public Utf8Output Members { get; } = new();

        public RecentFrames Recent { get; } = new();

        public List<WrittenObservation> Written { get; } = [];

        public Dictionary<string, List<Pending>> Outgoing { get; } = [];

        public List<DeadLetter> DeadLetters { get; } = [];

        public HashSet<(string Device, ulong Digest)> InBatch { get; } = [];

        public List<(string Device, ulong Digest)> Passed { get; } = [];

        private readonly Utf8Output _time = new();

        public int Duplicates { get; set; }

        public int Silent { get; set; }

        public List<Pending> For(string hub)
        {
            if (!Outgoing.TryGetValue(hub, out var events))
                Outgoing.Add(hub, events = []);
            return events;
        }

        public string Time(long unixMs)
        {
            _time.Clear();
            _time.AppendTime(unixMs);
            return Encoding.ASCII.GetString(_time.Written);
        }

        public OutgoingEvent[] EventsFor(List<Pending> pending) =>
            [.. pending.Select(p => new OutgoingEvent(p.Key, p.Properties, Output.Slice(p.Start, p.Length)))];

        public void Clear()
        {
            Output.Clear();
            foreach (var events in Outgoing.Values)
                events.Clear();
            DeadLetters.Clear();
            InBatch.Clear();
            Passed.Clear();
            (Duplicates, Silent) = (0, 0);
        }
    }
}
