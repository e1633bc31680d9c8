namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string FindScheduleTarget = Statement("Schedules/FindScheduleTarget.sql");
    public static readonly string AddSchedule = Statement("Schedules/AddSchedule.sql");
    public static readonly string FindSchedule = Statement("Schedules/FindSchedule.sql");
    public static readonly string IsFormerSchedule = Statement("Schedules/IsFormerSchedule.sql");
    public static readonly string ListSchedules = Statement("Schedules/ListSchedules.sql");
    public static readonly string ListSharingSchedules = Statement("Schedules/ListSharingSchedules.sql");
    public static readonly string LockSchedule = Statement("Schedules/LockSchedule.sql");
    public static readonly string ClaimSchedules = Statement("Schedules/ClaimSchedules.sql");
    public static readonly string WriteSchedules = Statement("Schedules/WriteSchedules.sql");
    public static readonly string WriteRuns = Statement("Schedules/WriteRuns.sql");
    public static readonly string ClaimRunOrders = Statement("Schedules/ClaimRunOrders.sql");
    public static readonly string WriteOutcomes = Statement("Schedules/WriteOutcomes.sql");
    public static readonly string ReviveEndings = Statement("Schedules/ReviveEndings.sql");
    public static readonly string ListRuns = Statement("Schedules/ListRuns.sql");
    public static readonly string ListRunOrders = Statement("Schedules/ListRunOrders.sql");
}
