using System.Text.Json;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Datapoints;

/// <summary>Reads feed events as their consumers do: members that are not known are skipped, so the contract can grow.</summary>
public static partial class ObservationReader
{
    /// <summary>Reads the observation in a feed event; its slices point into the event's body.</summary>
    /// <returns>False when the event carries no datapoints, good or not: there is nothing to keep.</returns>
    /// <exception cref="FormatException">The body is not an observation; the message names the member.</exception>
    public static bool TryRead(HubEvent feedEvent, out Observation observation)
    {
        var body = feedEvent.Body;
        if (TryReadUsual(feedEvent.Key, body, out observation))
            return observation.Points.Length > 2 || observation.Quality.Length > 2;

        var reader = new Utf8JsonReader(body.Span);
        DateTimeOffset observedAt = default, receivedAt = default;
        long sequence = 0;
        var clock = "ok";
        var historical = false;
        ReadOnlyMemory<byte> points = default, quality = default;

        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("points"u8))
                    points = ReadObject(ref reader, body);
                else if (reader.ValueTextEquals("quality"u8))
                    quality = ReadObject(ref reader, body);
                else if (reader.ValueTextEquals("observedAt"u8) && reader.Read())
                    observedAt = reader.GetDateTimeOffset();
                else if (reader.ValueTextEquals("receivedAt"u8) && reader.Read())
                    receivedAt = reader.GetDateTimeOffset();
                else if (reader.ValueTextEquals("sequence"u8) && reader.Read())
                    sequence = reader.GetInt64();
                else if (reader.ValueTextEquals("historical"u8) && reader.Read())
                    historical = reader.GetBoolean();
                else if (reader.ValueTextEquals("clock"u8) && reader.Read())
                    clock = reader.ValueTextEquals("ok"u8) ? "ok" : reader.GetString()!;
                else
                    reader.Skip();
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new FormatException($"event {feedEvent.Sequence} of {feedEvent.Key} is not an observation: {fault.Message}", fault);
        }

        if (observedAt == default || receivedAt == default)
            throw new FormatException($"event {feedEvent.Sequence} of {feedEvent.Key} is not an observation: observedAt or receivedAt is missing");

        observation = new(feedEvent.Key, observedAt, receivedAt, sequence, clock, historical, points, quality);
        return points.Length > 2 || quality.Length > 2;
    }

    private static ReadOnlyMemory<byte> ReadObject(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return body[start..(int)reader.BytesConsumed];
    }
}
