namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string FindTarget = Statement("Commands/FindTarget.sql");
    public static readonly string MakeTurn = Statement("Commands/MakeTurn.sql");
    public static readonly string TakeTurn = Statement("Commands/TakeTurn.sql");
    public static readonly string TakeTurns = Statement("Commands/TakeTurns.sql");
    public static readonly string AddCommand = Statement("Commands/AddCommand.sql");
    public static readonly string ClaimDue = Statement("Commands/ClaimDue.sql");
    public static readonly string ReadDue = Statement("Commands/ReadDue.sql");
    public static readonly string ReadNamed = Statement("Commands/ReadNamed.sql");
    public static readonly string UpdateCommands = Statement("Commands/UpdateCommands.sql");
    public static readonly string WakeNext = Statement("Commands/WakeNext.sql");
    public static readonly string CountDownlink = Statement("Commands/CountDownlink.sql");
    public static readonly string FindCommand = Statement("Commands/FindCommand.sql");
    public static readonly string ListDeviceCommands = Statement("Commands/ListDeviceCommands.sql");
    public static readonly string ListGroupCommands = Statement("Commands/ListGroupCommands.sql");
    public static readonly string ListCommands = Statement("Commands/ListCommands.sql");
}
