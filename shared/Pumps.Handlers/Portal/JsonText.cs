using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pumps.Handlers.Portal;

/// <summary>
/// A value that is JSON already: a number keeps the digits that the protocol gave (24.30 stays 24.30). It is checked to be JSON when it is
/// written, so what a device sent cannot leave its place in the document.
/// </summary>
[JsonConverter(typeof(Converter))]
public readonly record struct JsonText(string Text)
{
    private sealed class Converter : JsonConverter<JsonText>
    {
        public override JsonText Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            new(JsonElement.ParseValue(ref reader).GetRawText());

        public override void Write(Utf8JsonWriter writer, JsonText value, JsonSerializerOptions options) => writer.WriteRawValue(value.Text);
    }
}

/// <summary>Instants leave as they stand on the feed, UTC with milliseconds, <c>2025-06-01T12:00:00.000Z</c>; with all digits where there are more.</summary>
internal sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString(Format(at), CultureInfo.InvariantCulture);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[32];
        value.UtcDateTime.TryFormat(text, out var length, Format(value), CultureInfo.InvariantCulture);
        writer.WriteStringValue(text[..length]);
    }

    private static string Format(DateTimeOffset at) =>
        at.Ticks % TimeSpan.TicksPerMillisecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";
}
