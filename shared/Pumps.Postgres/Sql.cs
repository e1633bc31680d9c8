namespace Pumps.Postgres;

/// <summary>The statements, each from its <c>.sql</c> file. Touching any of them loads all: a missing file fails at start, not at first use.</summary>
internal static partial class Sql
{
    public static readonly string InsertDevices = Statement("Devices/InsertDevices.sql");
    public static readonly string SelectDeviceKeys = Statement("Devices/SelectDeviceKeys.sql");
    public static readonly string UpsertDevice = Statement("Devices/UpsertDevice.sql");
    public static readonly string ListDevices = Statement("Devices/ListDevices.sql");
    public static readonly string FindDevice = Statement("Devices/FindDevice.sql");
    public static readonly string UpdateDevice = Statement("Devices/UpdateDevice.sql");
    public static readonly string ListOwners = Statement("Devices/ListOwners.sql");
    public static readonly string HoldConnections = Statement("Devices/HoldConnections.sql");
    public static readonly string HoldDueConnections = Statement("Devices/HoldDueConnections.sql");
    public static readonly string HoldPresentConnections = Statement("Devices/HoldPresentConnections.sql");
    public static readonly string WriteConnections = Statement("Devices/WriteConnections.sql");
    public static readonly string ListZones = Statement("Devices/ListZones.sql");
    public static readonly string MarkSites = Statement("Devices/MarkSites.sql");
    public static readonly string ClaimClocks = Statement("Devices/ClaimClocks.sql");
    public static readonly string KeepClocks = Statement("Devices/KeepClocks.sql");
    public static readonly string FindClock = Statement("Devices/FindClock.sql");
    public static readonly string ListCustomers = Statement("Customers/ListCustomers.sql");
    public static readonly string FindCustomer = Statement("Customers/FindCustomer.sql");
    public static readonly string StoreCustomer = Statement("Customers/StoreCustomer.sql");
    public static readonly string RemoveCustomer = Statement("Customers/RemoveCustomer.sql");
    public static readonly string ListSites = Statement("Customers/ListSites.sql");
    public static readonly string FindSite = Statement("Customers/FindSite.sql");
    public static readonly string StoreSite = Statement("Customers/StoreSite.sql");
    public static readonly string RemoveSite = Statement("Customers/RemoveSite.sql");
    public static readonly string ReadLatest = Statement("Latest/ReadLatest.sql");
    public static readonly string WriteLatest = Statement("Latest/WriteLatest.sql");
    public static readonly string CopyHistory = Statement("History/CopyHistory.sql");
    public static readonly string StageHistory = Statement("History/StageHistory.sql");
    public static readonly string CopyStage = Statement("History/CopyStage.sql");
    public static readonly string InsertStaged = Statement("History/InsertStaged.sql");
    public static readonly string QueryRaw = Statement("History/QueryRaw.sql");
    public static readonly string QueryBuckets = Statement("History/QueryBuckets.sql");
    public static readonly string EnsurePartitions = Statement("History/EnsurePartitions.sql");
    public static readonly string DropPartitions = Statement("History/DropPartitions.sql");
    public static readonly string InsertMarks = Statement("RollUps/InsertMarks.sql");
    public static readonly string RollUp = Statement("RollUps/RollUp.sql");
    public static readonly string QueryRolledUp = Statement("RollUps/QueryRolledUp.sql");
    public static readonly string StoreDeadLetters = Statement("DeadLetters/StoreDeadLetters.sql");
    public static readonly string ListDeadLetters = Statement("DeadLetters/ListDeadLetters.sql");
    public static readonly string FindDeadLetter = Statement("DeadLetters/FindDeadLetter.sql");
    public static readonly string MarkReplayed = Statement("DeadLetters/MarkReplayed.sql");
    public static readonly string CountByCode = Statement("DeadLetters/CountByCode.sql");
    public static readonly string CensusDevices = Statement("Census/CensusDevices.sql");
    public static readonly string CensusUnreadable = Statement("Census/CensusUnreadable.sql");
    public static readonly string CensusCommands = Statement("Census/CensusCommands.sql");
    public static readonly string CensusTransfers = Statement("Census/CensusTransfers.sql");
    public static readonly string CensusRollouts = Statement("Census/CensusRollouts.sql");
    public static readonly string PrepareOwner = Statement("Roles/PrepareOwner.sql");
    public static readonly string AdmitApp = Statement("Roles/AdmitApp.sql");
    public static readonly string MigrationLog = Statement("Migrations/MigrationLog.sql");
    public static readonly string SelectMigration = Statement("Migrations/SelectMigration.sql");
    public static readonly string RecordMigration = Statement("Migrations/RecordMigration.sql");

    /// <summary>Numbered files of the Migrations folder, in order.</summary>
    public static IEnumerable<string> MigrationNames =>
        typeof(Sql).Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith("Migrations/", StringComparison.Ordinal) && char.IsAsciiDigit(n["Migrations/".Length]))
            .Order(StringComparer.Ordinal);

    /// <summary>A file's statement without its head: COPY must be the first word of a command, and a head need not travel.</summary>
    public static string Statement(string name) =>
        string.Join('\n', Load(name).Split('\n').SkipWhile(line => line.StartsWith("--", StringComparison.Ordinal)));

    public static string Load(string name)
    {
        using var stream = typeof(Sql).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The SQL file {name} is not part of {typeof(Sql).Assembly.GetName().Name}. Add it, or correct its name in Sql.cs.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
