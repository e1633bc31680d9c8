using Microsoft.Extensions.Logging;

namespace Pumps.Handlers.Commands;

/// <summary>Event ids 1300-1399. An id or a field name, once shipped, keeps its meaning.</summary>
internal static partial class CommandLog
{
    [LoggerMessage(1300, LogLevel.Warning, "{Device} answered the method of command {Command} with something that is not its answer: {Fault}")]
    public static partial void AnswerUnreadable(this ILogger log, string device, string command, string fault);

    [LoggerMessage(1301, LogLevel.Information, "Command {Command} for {Device} was taken back by {By}")]
    public static partial void CommandCancelled(this ILogger log, string device, string command, string by);
}
