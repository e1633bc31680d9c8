using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Commands;
using Pumps.Core.Firmware;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Firmware;

/// <summary>Hands one frame of a transfer to a device, and hears what it says.</summary>
/// <remarks>
/// By direct method, as commands: it is the only way down that a hub offers at such a rate, it tells at once whether the device is there, and the answer
/// comes back with it. What a device says in a message of its own wakes its transfer, which then asks (<see cref="WakeTransfers"/>).
/// </remarks>
public sealed class FirmwareLink(Catalog catalog, IDeviceMessaging messaging, IOptions<FirmwareOptions> options, TimeProvider time, ILogger<FirmwareLink> log)
{
    /// <summary>IoT Hub meters direct methods in pieces of this size.</summary>
    private const int UnitBytes = 4096;

    // {"frame":""} and what a frame has around a chunk.
    private const int AroundBytes = 128;

    private const int NotFound = 404;
    private const int NotImplemented = 501;

    /// <summary>What a frame costs of the hub's pace.</summary>
    public static int UnitsOf(FirmwareHead head, TransferEffect effect) => 1 + (effect.Act switch
    {
        TransferAct.Chunk => head.ChunkBytes + AroundBytes,
        TransferAct.Offer => head.Manifest.Length + AroundBytes,
        _ => AroundBytes,
    } * 4 / 3 / UnitBytes);

    public async Task<TransferSignal> SendAsync(
        string device, FirmwareHead head, ReadOnlyMemory<byte> image, TransferTerms terms, TransferEffect effect, long downlink, CancellationToken cancel)
    {
        var frame = FirmwareFrames.Encode(head, terms.Number, effect, image.Span, CommandFrames.Identity(device), downlink, time.GetUtcNow());
        var payload = JsonSerializer.Serialize(new { frame = Convert.ToBase64String(frame) });
        var answer = await messaging.InvokeAsync(device, SendCommands.Method, payload, options.Value.AnswerTimeout, TimeSpan.Zero, cancel);
        return answer switch
        {
            { Refusal.Code: DeviceRefusals.DeviceTimeout } => new TransferSignal.Silent(),
            { Refusal.Code: DeviceRefusals.DeviceOffline } => new TransferSignal.Offline(),
            { Refusal: { } refusal } => new TransferSignal.Impossible(refusal.Code),
            { Value.Status: NotFound or NotImplemented } => new TransferSignal.Impossible(CommandReasons.NoMethod),
            { Value: { } response } when Read(device, head.Protocol, response.Payload, terms) is { } heard => new TransferSignal.Heard(heard),
            _ => new TransferSignal.Silent(),
        };
    }

    /// <summary>The answer in a method's response; null when there is none that can be read.</summary>
    private TransferAnswer? Read(string device, Protocol protocol, string payload, TransferTerms terms)
    {
        try
        {
            using var response = JsonDocument.Parse(payload);
            if (!response.RootElement.TryGetProperty("frame", out var text))
                return null;
            // The time of an answer is of no interest here, so neither is the offset of the device's clock.
            var context = new DecodeContext(Direction.Up, time.GetUtcNow().ToUnixTimeMilliseconds(), 0, CommandFrames.Identity(device), catalog.Dictionaries);
            var error = new FrameCodec().TryDecode(protocol, text.GetBytesFromBase64(), context, out var frame);
            if (error is DecodeError.None && FirmwareFrames.Read(frame, terms) is { } answer)
                return answer;
            log.AnswerUnreadable(device, error is DecodeError.None ? frame.Kind.Name() : error.Code());
        }
        catch (Exception fault) when (fault is JsonException or FormatException or InvalidOperationException)
        {
            log.AnswerUnreadable(device, fault.Message);
        }

        return null;
    }
}
