using System.Collections.Concurrent;
using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Devices;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>What a device did with a frame that came down.</summary>
internal sealed record Obeyed(string DeviceId, string Command, string Correlation, bool ByMethod, uint Number = 0);

/// <summary>Devices of both protocols behind a hub, which read every frame with the codecs and answer it in their protocol.</summary>
internal sealed class FieldDevices(DictionarySet dictionaries, TimeProvider time) : IDeviceMessaging
{
    public ConcurrentQueue<Obeyed> Obeyed { get; } = new();

    public ConcurrentQueue<(string DeviceId, CloudMessage Message)> Queue { get; } = new();

    public bool Online { get; set; } = true;

    public bool QueueFull { get; set; }

    /// <summary>A device that obeys and does not answer.</summary>
    public string? Silent { get; set; }

    /// <summary>What each device waits for before it hears a method.</summary>
    public Func<string, Task> WayTo { get; set; } = _ => Task.CompletedTask;

    /// <summary>DP1's result or DP2's status of every answer.</summary>
    public byte Result { get; set; }

    public async Task<DeviceAnswer<MethodResponse>> InvokeAsync(
        string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel)
    {
        Assert.That(method, Is.EqualTo("command"));
        if (!Online)
            return new DeviceRefusal(DeviceRefusals.DeviceOffline, "not connected");

        await WayTo(deviceId);
        using var request = JsonDocument.Parse(payload);
        var answer = Obey(deviceId, request.RootElement.GetProperty("frame").GetBytesFromBase64(), byMethod: true);
        if (deviceId == Silent)
            return new DeviceRefusal(DeviceRefusals.DeviceTimeout, "silent");
        return new MethodResponse(200, JsonSerializer.Serialize(new { frame = Convert.ToBase64String(answer) }));
    }

    public Task<DeviceAnswer<CloudMessage>> SendAsync(string deviceId, CloudMessage message, CancellationToken cancel)
    {
        if (QueueFull)
            return Task.FromResult<DeviceAnswer<CloudMessage>>(new DeviceRefusal(DeviceRefusals.DeviceQueueFull, "full"));
        Queue.Enqueue((deviceId, message));
        return Task.FromResult<DeviceAnswer<CloudMessage>>(message);
    }

    /// <summary>The answer frame.</summary>
    public byte[] Obey(string deviceId, byte[] frame, bool byMethod)
    {
        var identity = CommandFrames.Identity(deviceId);
        var context = new DecodeContext(Direction.Down, time.GetUtcNow().ToUnixTimeMilliseconds(), 0, identity, dictionaries);
        if (deviceId.StartsWith("dp1-", StringComparison.Ordinal))
        {
            var telegram = new Dp1Telegram();
            Assert.That(Dp1Decoder.TryDecode(frame, context, telegram), Is.EqualTo(DecodeError.None));
            var command = telegram.Command;
            Obeyed.Enqueue(new(deviceId, Dp1CommandInfo.Find(command.Code)!.Name, $"{command.Token}", byMethod, command.Argument2));
            var bytes = new byte[Dp1Encoder.SizeMax];
            var size = Dp1Encoder.CommandResponse(bytes, new((uint)identity, 1, uint.MaxValue), new(command.Token, command.Code, Result, 0, 0));
            return bytes[..size];
        }

        var down = new Dp2Frame();
        Assert.That(Dp2Decoder.TryDecode(frame, context, down), Is.EqualTo(DecodeError.None));
        var body = (Dp2Command)down.Body!;
        Obeyed.Enqueue(new(deviceId, body.PathText.Length == 0 ? body.Name! : $"{body.PathText}.{body.Name}", Convert.ToHexStringLower(body.Correlation), byMethod));
        return Dp2Encoder.Encode(
            new Dp2Header(identity, 1, time.GetUtcNow().ToUnixTimeMilliseconds()), new Dp2Response(body.Correlation, Result == 0 ? (byte)2 : Result));
    }

    public Task<DeviceTwin?> FindTwinAsync(string deviceId, CancellationToken cancel) => throw new NotSupportedException();

    public Task<DeviceAnswer<DeviceTwin>> UpdateDesiredAsync(string deviceId, string patch, long? ifVersion, CancellationToken cancel) =>
        throw new NotSupportedException();
}
