using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>One document a device out of a batch: <c>{"flow":[24.30,1748779200000],"soil":[null,1748779200000,"not_available"]}</c>.</summary>
/// <remarks>
/// Newest per datapoint by time, then sequence number. Names and values are copied as bytes, digits and escapes as they came.
/// Not safe for several threads at once.
/// </remarks>
internal sealed class LatestDocuments
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1 << 20);
    private readonly List<(int Start, int Length)> _names = [];
    private readonly List<(int Start, int End)> _documents = [];
    private int[] _order = [];

    public List<long> Keys { get; } = [];

    public List<DateTime> From { get; } = [];

    public List<DateTime> Newest { get; } = [];

    public List<long> Sequences { get; } = [];

    public List<DateTime> Seen { get; } = [];

    /// <summary>The documents, sorted by device key. Valid until the next <see cref="Fill"/>.</summary>
    public ReadOnlyMemory<byte>[] Points => [.. _documents.Select(d => _bytes.WrittenMemory[d.Start..d.End])];

    public void Fill(long[] keys, IReadOnlyList<Observation> observations)
    {
        _bytes.ResetWrittenCount();
        _documents.Clear();
        Keys.Clear();
        From.Clear();
        Newest.Clear();
        Sequences.Clear();
        Seen.Clear();

        if (_order.Length < keys.Length)
            _order = new int[keys.Length];
        var order = _order.AsSpan(0, keys.Length);
        for (var i = 0; i < order.Length; i++)
            order[i] = i;

        // By device, then newest first: the first value of a name that is met is the one that stays.
        order.Sort((a, b) =>
            keys[a] != keys[b] ? keys[a].CompareTo(keys[b])
            : observations[a].ObservedAt != observations[b].ObservedAt ? observations[b].ObservedAt.CompareTo(observations[a].ObservedAt)
            : observations[b].Sequence.CompareTo(observations[a].Sequence));

        for (var i = 0; i < order.Length;)
        {
            var end = i + 1;
            while (end < order.Length && keys[order[end]] == keys[order[i]])
                end++;
            AddDevice(keys[order[i]], order[i..end], observations);
            i = end;
        }
    }

    private void AddDevice(long key, ReadOnlySpan<int> newestFirst, IReadOnlyList<Observation> observations)
    {
        var newest = observations[newestFirst[0]];
        var start = _bytes.WrittenCount;
        var seen = newest.ReceivedAt;
        _names.Clear();

        Write("{"u8);
        foreach (var i in newestFirst)
        {
            var observation = observations[i];
            if (observation.ReceivedAt > seen)
                seen = observation.ReceivedAt;
            AddPoints(observation.Points.Span, observation.ObservedAt, areQualities: false, observation.DeviceId);
            AddPoints(observation.Quality.Span, observation.ObservedAt, areQualities: true, observation.DeviceId);
        }

        Write("}"u8);

        Keys.Add(key);
        From.Add(observations[newestFirst[^1]].ObservedAt.UtcDateTime);
        Newest.Add(newest.ObservedAt.UtcDateTime);
        Sequences.Add(newest.Sequence);
        Seen.Add(seen.UtcDateTime);
        _documents.Add((start, _bytes.WrittenCount));
    }

    private void AddPoints(ReadOnlySpan<byte> json, DateTimeOffset at, bool areQualities, string deviceId)
    {
        if (json.IsEmpty)
            return;

        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            throw new FormatException($"The points of {deviceId} observed at {at:O} are not a JSON object.");

        var place = 0;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            reader.Read();
            var value = ReadValue(ref reader, json, areQualities, out var quality);
            if (IsTaken(name, ref place))
                continue;

            if (_names.Count > 0)
                Write(","u8);
            Write("\""u8);
            _names.Add((_bytes.WrittenCount, name.Length));
            Write(name);
            Write("\":["u8);
            Write(value);
            Write(","u8);

            Utf8Formatter.TryFormat(at.ToUnixTimeMilliseconds(), _bytes.GetSpan(20), out var digits);
            _bytes.Advance(digits);
            if (areQualities)
            {
                Write(","u8);
                Write(quality);
            }

            Write("]"u8);
        }
    }

    // A value that is not good comes as its quality alone, or as {"quality": ..., "value": ...} where there is one (or the raw bytes).
    private static ReadOnlySpan<byte> ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, bool isQuality, out ReadOnlySpan<byte> quality)
    {
        var start = (int)reader.TokenStartIndex;
        quality = default;
        if (!isQuality || reader.TokenType is not JsonTokenType.StartObject)
        {
            reader.Skip();
            var whole = json[start..(int)reader.BytesConsumed];
            if (isQuality)
                quality = whole;
            return isQuality ? "null"u8 : whole;
        }

        var value = "null"u8;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var isName = reader.ValueTextEquals("quality"u8);
            var isValue = reader.ValueTextEquals("value"u8);
            reader.Read();
            start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isName)
                quality = json[start..(int)reader.BytesConsumed];
            else if (isValue)
                value = json[start..(int)reader.BytesConsumed];
        }

        return value;
    }

    // Frames of a device name their points in one order: look where the last one was found, then everywhere.
    private bool IsTaken(ReadOnlySpan<byte> name, ref int place)
    {
        var written = _bytes.WrittenSpan;
        for (var tried = 0; tried < _names.Count; tried++, place++)
        {
            if (place >= _names.Count)
                place = 0;
            var (start, length) = _names[place];
            if (length == name.Length && written.Slice(start, length).SequenceEqual(name))
            {
                place++;
                return true;
            }
        }

        return false;
    }

    private void Write(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);
}
