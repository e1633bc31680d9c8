namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string PlaceOrder = Statement("Provisioning/PlaceOrder.sql");
    public static readonly string FindOrder = Statement("Provisioning/FindOrder.sql");
    public static readonly string ListOrders = Statement("Provisioning/ListOrders.sql");
    public static readonly string ClaimOrders = Statement("Provisioning/ClaimOrders.sql");
    public static readonly string EndLeases = Statement("Provisioning/EndLeases.sql");
    public static readonly string CountDueOrders = Statement("Provisioning/CountDueOrders.sql");
    public static readonly string KeepOrders = Statement("Provisioning/KeepOrders.sql");
    public static readonly string ConfirmOrder = Statement("Provisioning/ConfirmOrder.sql");
    public static readonly string TakeHellos = Statement("Provisioning/TakeHellos.sql");
    public static readonly string FindDeviceTarget = Statement("Provisioning/FindDeviceTarget.sql");
    public static readonly string FindDeviceRow = Statement("Provisioning/FindDeviceRow.sql");
    public static readonly string CountDevices = Statement("Provisioning/CountDevices.sql");
    public static readonly string KeepDeviceRow = Statement("Provisioning/KeepDeviceRow.sql");
    public static readonly string RestoreDeviceRow = Statement("Provisioning/RestoreDeviceRow.sql");
    public static readonly string MarkDevice = Statement("Provisioning/MarkDevice.sql");
    public static readonly string LookAtClock = Statement("Provisioning/LookAtClock.sql");
    public static readonly string WithdrawDevice = Statement("Provisioning/WithdrawDevice.sql");
    public static readonly string InsertBulk = Statement("Provisioning/InsertBulk.sql");
    public static readonly string LockBulk = Statement("Provisioning/LockBulk.sql");
    public static readonly string KnownLines = Statement("Provisioning/KnownLines.sql");
    public static readonly string InsertOrders = Statement("Provisioning/InsertOrders.sql");
    public static readonly string InsertBulkLines = Statement("Provisioning/InsertBulkLines.sql");
    public static readonly string CompleteBulk = Statement("Provisioning/CompleteBulk.sql");
    public static readonly string FindBulk = Statement("Provisioning/FindBulk.sql");
    public static readonly string ListBulkLines = Statement("Provisioning/ListBulkLines.sql");
    public static readonly string IssueClaimCodes = Statement("Provisioning/IssueClaimCodes.sql");
    public static readonly string FindClaimCode = Statement("Provisioning/FindClaimCode.sql");
    public static readonly string FindAttempts = Statement("Provisioning/FindAttempts.sql");
    public static readonly string KeepAttempts = Statement("Provisioning/KeepAttempts.sql");
    public static readonly string ForgetAttempts = Statement("Provisioning/ForgetAttempts.sql");
}
