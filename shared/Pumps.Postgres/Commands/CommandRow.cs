using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Handlers.Commands;

namespace Pumps.Postgres;

/// <summary>A row of command, with the names of its columns.</summary>
internal sealed class CommandRow
{
    /// <summary>Which of the asked names this is, where several were asked; else 0.</summary>
    public long Number { get; init; }
    public string Device_Id { get; init; } = "";
    public long Ordinal { get; init; }
    public string Command_Id { get; init; } = "";
    public string Customer { get; init; } = "";
    public string Product { get; init; } = "";
    public string Protocol { get; init; } = "";
    public string Command { get; init; } = "";
    public string Arguments { get; init; } = "";
    public string Requested_By { get; init; } = "";
    public string Origin { get; init; } = "";
    public bool Confirmed { get; init; }
    public string? Group_Id { get; init; }
    public string Correlation { get; init; } = "";
    public DateTime Created_At { get; init; }
    public DateTime Expires_At { get; init; }
    public bool Repeatable { get; init; }
    public string Phase { get; init; } = "";
    public int Attempt { get; init; }
    public int Doubts { get; init; }
    public string Route { get; init; } = "";
    public bool May_Be_Held { get; init; }
    public DateTime? Due_At { get; init; }
    public DateTime? Sent_At { get; init; }
    public DateTime? Acknowledged_At { get; init; }
    public DateTime? Ended_At { get; init; }
    public string? Cancelled_By { get; init; }
    public string? Reason { get; init; }
    public string? Answer { get; init; }
    public bool Late { get; init; }

    public StoredCommand ToCommand() => new(
        Ordinal,
        new(Command_Id, Device_Id, Command, ReadArguments(Arguments), Requested_By, Origin, Confirmed, Expires_At - Created_At)
        {
            Group = Group_Id,
        },
        new(Device_Id, Protocol == "dp1" ? Core.Protocols.Protocol.Dp1 : Core.Protocols.Protocol.Dp2, Product, Customer),
        Correlation, Created_At, new(Expires_At, Repeatable),
        new CommandState
        {
            Phase = CommandPhases.Parse(Phase),
            Attempt = Attempt,
            Doubts = Doubts,
            Route = CommandRoutes.Parse(Route),
            MayBeHeld = May_Be_Held,
            DueAt = Due_At,
            SentAt = Sent_At,
            AcknowledgedAt = Acknowledged_At,
            EndedAt = Ended_At,
            Reason = Reason,
            Answer = Answer is null ? null : JsonSerializer.Deserialize<CommandAnswer>(Answer, Json),
            Late = Late,
        },
        Cancelled_By);

    public static IReadOnlyDictionary<string, JsonElement> ReadArguments(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;

    /// <summary>How answers are stored. Outcomes by name: a number would change its meaning with the order of the enum.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };
}
