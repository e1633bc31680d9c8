namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string FindTarget = Statement("Commands/FindTarget.sql");
    public static readonly string MakeTurn = Statement("Commands/MakeTurn.sql");
    public static readonly string TakeTurn = Statement("Commands/TakeTurn.sql");
    public static readonly string AddCommand = Statement("Commands/AddCommand.sql");
    public static readonly string FindCommand = Statement("Commands/FindCommand.sql");
    public static readonly string ListDeviceCommands = Statement("Commands/ListDeviceCommands.sql");
    public static readonly string ListCommands = Statement("Commands/ListCommands.sql");
}
