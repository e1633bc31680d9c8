using System.Text.Json;
using Pumps.Core.Feeds;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>
/// A batch's newest values: one document a device, the observations that still have a newest value, newest first, each with what no newer one
/// has: <c>[[1748779200000,17,{"flow":24.30}],[1748779140000,16,{"run_hours":100.0},{"soil":"not_available"}]]</c>
/// (observed at, ms since 1970 UTC; sequence number; good values; qualities of the others, where there are any).
/// </summary>
/// <remarks>
/// Newest by time, then sequence number. Points of one frame share its time, so a device has a few observations, and the newest is copied as it
/// came: names, digits and escapes stay bytes. Not safe for several threads at once.
/// </remarks>
internal sealed class LatestDocuments
{
    // A frame's points and the device's other frames': for all the products known, below this.
    private const int NamesUsual = 128;

    private readonly Utf8Output _stored = new();
    private readonly Utf8Output _merged = new();
    private readonly List<ReadOnlyMemory<byte>> _names = new(NamesUsual);
    private readonly List<Stored> _older = [];
    private readonly List<Device> _devices = [];
    private IReadOnlyList<Observation> _observations = [];
    private long[] _keys = [];
    private int[] _order = [];
    private int _next;
    private int _place;

    /// <summary>Keys of the present devices, sorted.</summary>
    public List<long> Keys { get; } = [];

    /// <summary>When each was heard last, by the batch.</summary>
    public List<DateTime> Seen { get; } = [];

    /// <summary>How often each document was written, with this time.</summary>
    public List<int> Versions { get; } = [];

    /// <summary>The documents. Valid until the next <see cref="Merge()"/>.</summary>
    public ReadOnlyMemory<byte>[] Documents => [.. _devices.Select(d => _merged.Slice(d.MergedAt, d.MergedLength))];

    /// <summary>Takes a batch. <see cref="Next"/> goes through its devices.</summary>
    public void Begin(long[] keys, IReadOnlyList<Observation> observations)
    {
        (_keys, _observations, _next) = (keys, observations, 0);
        if (_order.Length != keys.Length)
            _order = new int[keys.Length];
        for (var i = 0; i < _order.Length; i++)
            _order[i] = i;
        _order.AsSpan().Sort((a, b) =>
            keys[a] != keys[b] ? keys[a].CompareTo(keys[b])
            : observations[a].ObservedAt != observations[b].ObservedAt ? observations[b].ObservedAt.CompareTo(observations[a].ObservedAt)
            : observations[b].Sequence.CompareTo(observations[a].Sequence));
    }

    /// <summary>Goes on to the next devices of the batch, in the order of their keys.</summary>
    /// <returns>False when there are no more.</returns>
    public bool Next(int devicesMax)
    {
        _devices.Clear();
        Keys.Clear();
        Seen.Clear();
        while (_next < _order.Length && _devices.Count < devicesMax)
        {
            var first = _next;
            var key = _keys[_order[first]];
            var seen = DateTimeOffset.MinValue;
            for (; _next < _order.Length && _keys[_order[_next]] == key; _next++)
                if (_observations[_order[_next]].ReceivedAt > seen)
                    seen = _observations[_order[_next]].ReceivedAt;

            _devices.Add(new() { First = first, End = _next });
            Keys.Add(key);
            Seen.Add(seen.UtcDateTime);
        }

        return _devices.Count > 0;
    }

    /// <summary>Forgets what was stored: it is about to be read, perhaps not for the first time.</summary>
    public void Forget()
    {
        _stored.Clear();
        foreach (var device in _devices)
            (device.Version, device.StoredLength) = (0, 0);
    }

    /// <summary>Tells what is stored of a device of the batch.</summary>
    public void Store(long key, int version, ReadOnlySpan<byte> document)
    {
        var device = _devices[Keys.BinarySearch(key)];
        (device.Version, device.StoredAt, device.StoredLength) = (version, _stored.Length, document.Length);
        _stored.Append(document);
    }

    /// <summary>Puts batch and stored documents together. Safe to repeat: an observation that is in a document already changes nothing.</summary>
    /// <exception cref="FormatException">The points of an observation are not a JSON object; the message names the device.</exception>
    public void Merge()
    {
        _merged.Clear();
        Versions.Clear();
        foreach (var device in _devices)
        {
            device.MergedAt = _merged.Length;
            ReadStored(device);
            Merge(device);
            device.MergedLength = _merged.Length - device.MergedAt;
            Versions.Add(device.Version + 1);
        }
    }

    private void Merge(Device device)
    {
        _names.Clear();
        _merged.Append((byte)'[');
        var older = 0;
        for (var i = device.First; i < device.End; i++)
        {
            var observation = _observations[_order[i]];
            var atMs = observation.ObservedAt.ToUnixTimeMilliseconds();
            while (older < _older.Count && (_older[older].AtMs, _older[older].Sequence).CompareTo((atMs, observation.Sequence)) > 0)
                Add(_older[older++]);
            AddFresh(new(atMs, observation.Sequence, observation.Points, observation.Quality), observation.DeviceId);
        }

        while (older < _older.Count)
            Add(_older[older++]);
        _merged.Append((byte)']');
    }

    private void AddFresh(in Stored observation, string deviceId)
    {
        try
        {
            Add(observation);
        }
        catch (JsonException fault)
        {
            throw new FormatException(
                $"The points of {deviceId} observed at {DateTimeOffset.FromUnixTimeMilliseconds(observation.AtMs):O} are not a JSON object: {fault.Message}", fault);
        }
    }

    /// <summary>Adds what no newer observation has; nothing at all when that is everything.</summary>
    private void Add(in Stored observation)
    {
        var start = _merged.Length;
        var known = _names.Count;
        if (_merged.Written[start - 1] != (byte)'[')
            _merged.Append((byte)',');
        _merged.Append((byte)'[');
        _merged.Append(observation.AtMs);
        _merged.Append((byte)',');
        _merged.Append(observation.Sequence);
        _merged.Append((byte)',');
        AddMembers(observation.Points);
        if (observation.Quality.Length > 2)
        {
            _merged.Append((byte)',');
            if (!AddMembers(observation.Quality))
                _merged.Rewind(_merged.Length - ",{}"u8.Length);
        }

        _merged.Append((byte)']');
        if (_names.Count == known)
            _merged.Rewind(start);
    }

    /// <summary>Copies the members whose names are new, stretches of neighbours at once.</summary>
    private bool AddMembers(ReadOnlyMemory<byte> json)
    {
        var start = _merged.Length;
        var known = _names.Count;
        _merged.Append((byte)'{');
        var members = new Members(this, json);
        if (json.Length > 2 && !TryAddUsual(json, ref members))
        {
            _merged.Rewind(start + 1);
            _names.RemoveRange(known, _names.Count - known);
            members = new(this, json);
            AddOthers(json, ref members);
        }

        var any = members.End();
        _merged.Append((byte)'}');
        return any;
    }

    private static bool TryAddUsual(ReadOnlyMemory<byte> json, ref Members members)
    {
        var bytes = json.Span;
        if (!UsualJson.MayBe(bytes) || bytes[0] != '{')
            return false;

        var at = 0;
        do
        {
            var name = at + 1;
            var nameEnd = UsualJson.EndOfString(bytes, name);
            if (!UsualJson.Is(':', bytes, nameEnd))
                return false;
            at = UsualJson.EndOfValue(bytes, nameEnd + 1, mayNest: true);
            if (at < 0)
                return false;
            members.Add(json[(name + 1)..(nameEnd - 1)], name, at);
        }
        while (UsualJson.Is(',', bytes, at));

        return UsualJson.Is('}', bytes, at) && at + 1 == bytes.Length;
    }

    private static void AddOthers(ReadOnlyMemory<byte> json, ref Members members)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        if (reader.TokenType is not JsonTokenType.StartObject)
            throw new JsonException($"it begins with {reader.TokenType}");

        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var at = (int)reader.TokenStartIndex;
            var name = json.Slice(at + 1, reader.ValueSpan.Length);
            reader.Read();
            reader.Skip();
            members.Add(name, at, (int)reader.BytesConsumed);
        }
    }

    // Frames of a device name their points in one order: look where the last one was found, then everywhere.
    private bool IsNew(ReadOnlyMemory<byte> name)
    {
        var bytes = name.Span;
        for (var tried = 0; tried < _names.Count; tried++, _place++)
        {
            if (_place >= _names.Count)
                _place = 0;
            if (_names[_place].Span.SequenceEqual(bytes))
            {
                _place++;
                return false;
            }
        }

        _names.Add(name);
        return true;
    }

    private void ReadStored(Device device)
    {
        _older.Clear();
        if (device.StoredLength == 0)
            return;

        var json = _stored.Slice(device.StoredAt, device.StoredLength);
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType is JsonTokenType.StartArray)
        {
            reader.Read();
            var atMs = reader.GetInt64();
            reader.Read();
            var sequence = reader.GetInt64();
            var points = Object(ref reader, json);
            var quality = Object(ref reader, json);
            if (!quality.IsEmpty)
                reader.Read();
            _older.Add(new(atMs, sequence, points, quality));
        }

        // The next token, when it is an object.
        static ReadOnlyMemory<byte> Object(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
        {
            reader.Read();
            if (reader.TokenType is not JsonTokenType.StartObject)
                return default;
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            return json[start..(int)reader.BytesConsumed];
        }
    }

    /// <summary>The new members of an object, in stretches: one copy for neighbours.</summary>
    private ref struct Members(LatestDocuments documents, ReadOnlyMemory<byte> json)
    {
        private readonly ReadOnlySpan<byte> _json = json.Span;
        private int _from;
        private int _to;
        private bool _any;

        public void Add(ReadOnlyMemory<byte> name, int start, int end)
        {
            if (!documents.IsNew(name))
            {
                Copy();
                return;
            }

            _from = _to == 0 ? start : _from;
            _to = end;
        }

        /// <returns>Whether there was one.</returns>
        public bool End()
        {
            Copy();
            return _any;
        }

        private void Copy()
        {
            if (_to == 0)
                return;
            if (_any)
                documents._merged.Append((byte)',');
            documents._merged.Append(_json[_from.._to]);
            (_from, _to, _any) = (0, 0, true);
        }
    }

    private readonly record struct Stored(long AtMs, long Sequence, ReadOnlyMemory<byte> Points, ReadOnlyMemory<byte> Quality);

    /// <summary>One device of the batch: its observations in the order, and where its documents lie.</summary>
    private sealed class Device
    {
        public int First { get; init; }
        public int End { get; init; }
        public int Version { get; set; }
        public int StoredAt { get; set; }
        public int StoredLength { get; set; }
        public int MergedAt { get; set; }
        public int MergedLength { get; set; }
    }
}
