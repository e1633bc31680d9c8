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
/// again when its answer is due. The pace is kept where the commands are, since the hub counts what all hosts send.
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

    // Half of what a pace saves up, so that none of it is lost; and that long a silent device holds up others.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.5);

    private readonly Pace _methods = new(options.Value.MethodsPerSecond);
    private readonly Pace _messages = new(options.Value.MessagesPerSecond);

    /// <summary>Takes and sends until nothing is due. For hosts that wait for the end of the work.</summary>
    /// <param name="limit">Transmissions under way at a time.</param>
    /// <param name="patience">
    /// How long to go on while more is due than the region's pace allows. Zero sends what may go now: then somebody else looks after the rest.
    /// </param>
    public async Task HandleAsync(int limit, TimeSpan patience, CancellationToken cancel)
    {
        var end = time.GetUtcNow() + patience;
        var underWay = new List<Task>();
        try
        {
            while (true)
            {
                var taken = await TakeAsync(limit - underWay.Count, cancel);
                underWay.AddRange(taken.Steps.Where(s => s.Effect is not null).Select(s => TransmitAsync(s, cancel)));
                if (taken.Throttled ? time.GetUtcNow() >= end : taken.Steps.Count == 0 && underWay.Count == 0)
                    return;
                if (taken.Throttled || underWay.Count > 0)
                    await WaitAsync(underWay, cancel);
                underWay.RemoveAll(t => t.IsCompletedSuccessfully);
                if (underWay.Exists(t => t.IsCompleted))
                    return;
            }
        }
        finally
        {
            await Task.WhenAll(underWay);
        }
    }

    /// <summary>Takes due commands of at most so many devices, and sends at most as many as the region's pace allows.</summary>
    /// <returns>What is to be transmitted, and what is over; no step when nothing is due, or nothing may go now.</returns>
    public async Task<CommandSteps> TakeAsync(int limit, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        return await store.StepDueAsync(limit, _methods, now, (c, s) => Step(c, s, now), cancel);
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

    /// <summary>Returns when all that is under way has ended, and soon in any case.</summary>
    private async Task WaitAsync(List<Task> underWay, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var soon = Task.Delay(LookEvery, time, over.Token);
        await Task.WhenAny(underWay.Count > 0 ? Task.WhenAll(underWay) : soon, soon);
        await over.CancelAsync();
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
        if (left <= TimeSpan.Zero || !await store.TryTakeMessageAsync(_messages, time.GetUtcNow(), cancel))
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
