using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Commands;
using Pumps.Core.Feeds;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Commands;

/// <summary>Sends commands whose turn has come, and looks after those whose time is over.</summary>
/// <remarks>
/// Safe to run anywhere, as often as one likes, and to be killed at any moment: the state is stored before a frame leaves, under the device's lock,
/// and a transmission of unknown fate is repeated only where the device recognises it. An exception of a port goes up; its command is looked at
/// again when its answer is due.
/// </remarks>
public sealed class SendCommands(
    Catalog catalog, ICommandStore store, IDeviceMessaging messaging, DeviceClocks clocks, ICommandBell bell, IOptions<CommandOptions> options, TimeProvider time, ILogger<SendCommands> log)
{
    /// <summary>The direct method of devices that take commands; the payload is <c>{"frame": base64}</c> both ways.</summary>
    public const string Method = "command";

    // Statuses of a device that does not have the method: the frame did not reach what would execute it.
    private const int NotFound = 404;
    private const int NotImplemented = 501;
    private const int Ok = 200;
    private const int TakenForLater = 202;

    private readonly Pace _methods = new(options.Value.MethodsPerSecond, time);
    private readonly Pace _messages = new(options.Value.MessagesPerSecond, time);

    /// <summary>Takes and sends, one after the other, until nothing is due. For hosts that wait for the end of the work.</summary>
    public async Task HandleAsync(int limit, CancellationToken cancel)
    {
        while (await TakeAsync(limit, cancel) is { Count: > 0 } steps)
            await Task.WhenAll(steps.Select(s => TransmitAsync(s, cancel)));
    }

    /// <summary>Takes due commands, at most so many, and at most as many as the hub's pace allows.</summary>
    /// <returns>What is to be transmitted, and what is over; empty when nothing is due.</returns>
    public async Task<IReadOnlyList<CommandStep>> TakeAsync(int limit, CancellationToken cancel)
    {
        var allowed = _methods.Take(limit);
        if (allowed == 0)
            return [];
        var now = time.GetUtcNow();
        var taken = await store.StepDueAsync(allowed, now, (c, s) => Step(c, s, now), cancel);
        _methods.Return(allowed - taken.Steps.Count(s => s.Effect is not null));
        return taken.Steps;
    }

    /// <summary>Transmits one command, and what follows from how that went.</summary>
    public async Task TransmitAsync(CommandStep step, CancellationToken cancel)
    {
        while (step.Effect is { } effect && await SendAsync(step, effect, cancel) is { } signal)
        {
            var now = time.GetUtcNow();
            var order = step.Command.Order;
            var result = await store.StepAsync([new(order.DeviceId, order.Id, null, signal)], now, (c, s) => Step(c, s, now), cancel);
            if (result.Woken)
                await bell.RingAsync(cancel);
            if (result.Steps is not [var next])
                return;
            step = next;
        }
    }

    /// <summary>Does what the machine says; the driver's limits are those of today, not those of the order.</summary>
    private (CommandState, Transmit?) Step(StoredCommand command, CommandSignal signal, DateTimeOffset now) =>
        CommandMachine.Step(command.State, signal, now, command.Terms, options.Value.Limits);

    /// <returns>What is known of the transmission; null when nothing is.</returns>
    private async Task<CommandSignal?> SendAsync(CommandStep step, Transmit effect, CancellationToken cancel)
    {
        var (frame, fault) = await EncodeAsync(step, cancel);
        if (frame is null)
            return new CommandSignal.Impossible(effect.Attempt, fault);
        return effect.Route is CommandRoute.Method
            ? await CallAsync(step.Command, effect.Attempt, frame, cancel)
            : await QueueAsync(step.Command, effect.Attempt, frame, cancel);
    }

    private async Task<CommandSignal?> CallAsync(StoredCommand command, int attempt, byte[] frame, CancellationToken cancel)
    {
        var payload = JsonSerializer.Serialize(new { frame = Convert.ToBase64String(frame) });
        var answer = await messaging.InvokeAsync(command.Target.DeviceId, Method, payload, options.Value.AnswerTimeout, TimeSpan.Zero, cancel);
        return answer switch
        {
            { Refusal.Code: DeviceRefusals.DeviceTimeout } => null,
            { Refusal.Code: DeviceRefusals.DeviceOffline } or { Value.Status: NotFound or NotImplemented } => new CommandSignal.Offline(attempt),
            { Refusal: { } refusal } => new CommandSignal.Impossible(attempt, refusal.Code),
            { Value: { Status: Ok } response } when ReadAnswer(command, response.Payload) is { } read => new CommandSignal.Answered(read),
            { Value.Status: Ok or TakenForLater } => new CommandSignal.Delivered(attempt),
            _ => new CommandSignal.Impossible(attempt, CommandReasons.NoMethod),
        };
    }

    private async Task<CommandSignal?> QueueAsync(StoredCommand command, int attempt, byte[] frame, CancellationToken cancel)
    {
        var left = command.Terms.ExpiresAt - time.GetUtcNow();
        if (left <= TimeSpan.Zero || _messages.Take(1) == 0)
            return new CommandSignal.Busy(attempt);

        var message = new CloudMessage(DeliveryId.Of(command.Order.Id, attempt), frame)
        {
            Ack = DeliveryAck.Full, TimeToLive = left, ContentType = "application/octet-stream", CorrelationId = command.Correlation,
        };
        return (await messaging.SendAsync(command.Target.DeviceId, message, cancel)).Refusal switch
        {
            null => new CommandSignal.Held(attempt),
            { Code: DeviceRefusals.DeviceQueueFull } => new CommandSignal.Busy(attempt),
            { } refusal => new CommandSignal.Impossible(attempt, refusal.Code),
        };
    }

    /// <returns>The frame; or null and why there is none.</returns>
    private async ValueTask<(byte[]? Frame, string Fault)> EncodeAsync(CommandStep step, CancellationToken cancel)
    {
        var (order, target) = (step.Command.Order, step.Command.Target);
        if (catalog.Products.GetValueOrDefault(target.Product)?.Find(order.Command) is not ({ } command, var instance) || !command.Takes(instance))
            return (null, CommandReasons.UnknownCommand);
        var faults = new List<ArgumentFault>();
        var values = command.Bind(order.Arguments, faults);
        if (faults.Count > 0)
            return (null, CommandReasons.UnknownCommand);
        var offset = command.SetsClock ? await clocks.FindOffsetAsync(target.DeviceId, cancel) : 0;
        return offset is { } minutes
            ? (CommandFrames.Encode(
                target.Protocol, CommandFrames.Identity(target.DeviceId), command, instance, values, step.Command.Correlation, step.Downlink, time.GetUtcNow(),
                step.Command.Terms.ExpiresAt, minutes), "")
            : (null, CommandReasons.NoUtcOffset);
    }

    /// <summary>The answer in a method's response; null when there is none that can be read. It may still come as a message.</summary>
    private CommandAnswer? ReadAnswer(StoredCommand command, string payload)
    {
        var (device, protocol) = (command.Target.DeviceId, command.Target.Protocol);
        try
        {
            using var response = JsonDocument.Parse(payload);
            var bytes = response.RootElement.GetProperty("frame").GetBytesFromBase64();
            // The time of an answer is of no interest here, so neither is the offset of the device's clock.
            var context = new DecodeContext(Direction.Up, time.GetUtcNow().ToUnixTimeMilliseconds(), 0, CommandFrames.Identity(device), catalog.Dictionaries);
            var error = new FrameCodec().TryDecode(protocol, bytes, context, out var frame);
            if (error is not DecodeError.None || frame.Kind is not FrameKind.Response)
            {
                log.AnswerUnreadable(device, command.Order.Id, error is DecodeError.None ? frame.Kind.Name() : error.Code());
                return null;
            }

            var members = FrameMembers.Write(frame, new Utf8Output());
            using var document = JsonDocument.Parse((byte[])[(byte)'{', .. members, (byte)'}']);
            var answer = CommandAnswers.Read(protocol, document.RootElement.GetProperty("result"));
            if (answer.Correlation == command.Correlation)
                return answer;
            log.AnswerUnreadable(device, command.Order.Id, "it answers another command");
        }
        catch (Exception fault) when (fault is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            log.AnswerUnreadable(device, command.Order.Id, fault.Message);
        }

        return null;
    }
}
