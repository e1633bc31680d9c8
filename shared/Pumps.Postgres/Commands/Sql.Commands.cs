namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string FindTarget = Statement("Commands/FindTarget.sql");
    public static readonly string TakeTurns = Statement("Commands/TakeTurns.sql");
    public static readonly string ClaimDue = Statement("Commands/ClaimDue.sql");
    public static readonly string TakePace = Statement("Commands/TakePace.sql");
    public static readonly string ReadDue = Statement("Commands/ReadDue.sql");
    public static readonly string ReadNamed = Statement("Commands/ReadNamed.sql");
    public static readonly string UpdateCommands = Statement("Commands/UpdateCommands.sql");
    public static readonly string WakeNext = Statement("Commands/WakeNext.sql");
    public static readonly string CountDownlink = Statement("Commands/CountDownlink.sql");
    public static readonly string FindCommand = Statement("Commands/FindCommand.sql");
    public static readonly string ListDeviceCommands = Statement("Commands/ListDeviceCommands.sql");
    public static readonly string ListGroupCommands = Statement("Commands/ListGroupCommands.sql");
    public static readonly string ListCommands = Statement("Commands/ListCommands.sql");
    public static readonly string FindTargets = Statement("Commands/FindTargets.sql");
    public static readonly string MakeTurns = Statement("Commands/MakeTurns.sql");
    public static readonly string AddCommands = Statement("Commands/AddCommands.sql");
    public static readonly string AddGroup = Statement("Commands/AddGroup.sql");
    public static readonly string CountGroup = Statement("Commands/CountGroup.sql");
    public static readonly string FindGroup = Statement("Commands/FindGroup.sql");
    public static readonly string ListGroupRefusals = Statement("Commands/ListGroupRefusals.sql");
    public static readonly string AddAudit = Statement("Commands/AddAudit.sql");
    public static readonly string ListAudit = Statement("Commands/ListAudit.sql");
    public static readonly string RetireCommands = Statement("Commands/RetireCommands.sql");
    public static readonly string RemoveGroups = Statement("Commands/RemoveGroups.sql");
    public static readonly string RemoveAudit = Statement("Commands/RemoveAudit.sql");
    public static readonly string AddRequest = Statement("Commands/AddRequest.sql");
    public static readonly string ListRequests = Statement("Commands/ListRequests.sql");
    public static readonly string RemoveRequests = Statement("Commands/RemoveRequests.sql");
}
