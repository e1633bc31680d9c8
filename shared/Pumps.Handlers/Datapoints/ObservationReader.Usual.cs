using System.Buffers.Text;
using Pumps.Core.Feeds;

namespace Pumps.Handlers.Datapoints;

/// <content>
/// Most events are read as exactly the bytes that <see cref="ObservationWriter"/> writes for telemetry: two services read every
/// event, and a general reader takes three times as long. What differs in one byte is left to the general reader, be it good or bad.
/// </content>
public static partial class ObservationReader
{
    private static bool TryReadUsual(string key, ReadOnlyMemory<byte> body, out Observation observation)
    {
        observation = default;
        var text = new UsualText(body.Span);
        if (!UsualJson.MayBe(body.Span)
            || !text.Take("{\"device\":"u8) || !text.TakeString()
            || !text.Take(",\"observedAt\":\""u8) || !text.TakeTime(out var observedAt)
            || !text.Take("\",\"receivedAt\":\""u8) || !text.TakeTime(out var receivedAt)
            || !text.Take("\",\"sequence\":"u8) || !text.TakeInteger(out var sequence)
            || !text.Take(",\"clock\":\"ok\",\"historical\":"u8))
            return false;

        var historical = text.Take("true"u8);
        if ((!historical && !text.Take("false"u8)) || !text.Take(",\"points\":"u8) || !text.TakeObject(out var points))
            return false;

        var quality = 0..0;
        if ((text.Take(",\"quality\":"u8) && !text.TakeObject(out quality)) || !text.Take("}"u8) || !text.IsAtEnd)
            return false;

        observation = new(key, observedAt, receivedAt, sequence, "ok", historical, body[points], body[quality]);
        return true;
    }

    /// <summary>Takes what is expected from the front of a text. What cannot be taken ends the attempt: the place is then no longer of use.</summary>
    private ref struct UsualText(ReadOnlySpan<byte> json)
    {
        private readonly ReadOnlySpan<byte> _json = json;
        private int _at;

        public readonly bool IsAtEnd => _at == _json.Length;

        public bool Take(ReadOnlySpan<byte> expected)
        {
            if (!_json[_at..].StartsWith(expected))
                return false;

            _at += expected.Length;
            return true;
        }

        /// <summary>A time as <c>2025-06-01T12:00:00.000Z</c>. The framework's parser wants seven digits of the second.</summary>
        public bool TakeTime(out DateTimeOffset time)
        {
            const int Length = 24;
            time = default;
            if (_json.Length - _at < Length || _json[_at + Length - 1] != 'Z')
                return false;

            Span<byte> full = stackalloc byte[Length + 4];
            _json.Slice(_at, Length - 1).CopyTo(full);
            "0000Z"u8.CopyTo(full[(Length - 1)..]);
            _at += Length;
            return Utf8Parser.TryParse(full, out time, out _, 'O') && time != default;
        }

        public bool TakeInteger(out long number)
        {
            number = 0;
            var end = UsualJson.EndOfNumber(_json, _at);
            if (end < 0 || !Utf8Parser.TryParse(_json[_at..end], out number, out var length) || length < end - _at)
                return false;

            _at = end;
            return true;
        }

        public bool TakeString() => TakeUntil(UsualJson.EndOfString(_json, _at), out _);

        public bool TakeObject(out Range place) => TakeUntil(UsualJson.EndOfObject(_json, _at, mayNest: true), out place);

        private bool TakeUntil(int end, out Range place)
        {
            place = 0..0;
            if (end < 0)
                return false;

            place = _at..end;
            _at = end;
            return true;
        }
    }
}
