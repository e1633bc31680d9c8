using System.Globalization;
using Pumps.Core.Capacity;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary>A plan as tables: what comes in, what is needed, which limits are near, what it costs.</summary>
internal static class PlanTables
{
    // Limits that are further away than ten times the devices say little.
    private const double FarAway = 10;

    public static void Print(IAnsiConsole console, CapacityPlan plan, int widthMin)
    {
        console.Profile.Width = Math.Max(console.Profile.Width, widthMin);
        var load = plan.Workload;
        console.MarkupLineInterpolated(
            $"[bold]{Number(load.Devices)} devices[/], a message every {Number(load.IntervalSeconds)} s: {Number(load.MessagesPerSecond)} messages a second, {Number(load.MessagesPerSecond * load.PeakFactor)} at the peak");

        PrintSizes(console, plan);
        PrintLimits(console, plan);
        PrintCosts(console, plan);
    }

    private static void PrintSizes(IAnsiConsole console, CapacityPlan plan)
    {
        var (hub, raw, feeds, database, archive) = (plan.IotHub, plan.RawHubs, plan.FeedHubs, plan.Database, plan.Archive);
        var table = new Table().Border(TableBorder.Simple).Title("What it needs").AddColumn("what").AddColumn("size").AddColumn("because of");
        Row("IoT Hub", $"{Times(hub.Hubs)}{hub.Tier}, {Count(hub.UnitsPerHub, "unit")}", $"{Number(hub.MessagesPerDay)} counted messages a day, {Number(hub.SendsPerSecond)} sends a second; all devices are back in {Number(hub.ReconnectMinutes)} minutes");
        Row("provisioning", Count(plan.Provisioning.Services, "service"), $"{Number(plan.Provisioning.HoursToRegisterAll)} hours to register all devices");
        Row("raw hubs", Size(raw), Because(raw));
        Row("feed hubs", Size(feeds), Because(feeds));
        foreach (var app in plan.Apps)
            Row($"app {app.App}", $"{Times(app.Deployments)}{Count(app.Instances, "instance")}, at most {app.InstancesMax}", $"{app.MemoryMb} MB each; each function scales alone");
        Row("database", $"{Times(database.Nodes)}{database.Sku}, {Number(database.StorageGB)} GB",
            $"{Number(database.CoresNeeded)} vCores, {Number(database.MemoryNeededGB)} GB of memory, {Number(database.OperationsPerSecond)} operations a second, {Number(database.Sessions)} sessions; "
            + $"grows by {Number(database.GrowthGBPerDay)} GB a day to {Number(database.FullGB)} GB with room"
            + (database.Nodes > 1 ? "; an elastic cluster" : ""));
        Row("archive", $"{Number(archive.HotGB + archive.CoolGB + archive.ColdGB)} GB", $"{Number(archive.GBPerDay)} GB a day; hot {Number(archive.HotGB)}, cool {Number(archive.CoolGB)}, cold {Number(archive.ColdGB)}");
        console.Write(table);

        void Row(string what, string size, string because) => table.AddRow(new Text(what), new Text(size), new Text(because));
    }

    private static void PrintLimits(IAnsiConsole console, CapacityPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple).Title("Limits of one region, the first that is reached first")
            .AddColumn("limit").AddColumn(new TableColumn("used").RightAligned()).AddColumn(new TableColumn("available").RightAligned()).AddColumn("unit")
            .AddColumn(new TableColumn("devices").RightAligned()).AddColumn("then");
        foreach (var limit in plan.Limits.Where(l => l.IsExceeded || l.DevicesAt is { } at && at <= plan.Workload.Devices * FarAway))
        {
            var style = limit.IsExceeded ? new Style(Color.Red) : Style.Plain;
            table.AddRow([.. new[] { limit.Name, Number(limit.Used), Number(limit.Available), limit.Unit, limit.DevicesAt is { } at ? Number(at) : "any", limit.Then }
                .Select(cell => new Text(cell, style))]);
        }

        if (table.Rows.Count == 0)
            table.AddRow("none within ten times the devices");
        console.Write(table);

        var first = plan.First;
        console.MarkupLineInterpolated(first.DevicesAt is { } devices
            ? $"[bold]First limit: {first.Name}, at {Number(devices)} devices.[/] {first.Then}"
            : (FormattableString)$"No limit depends on devices.");
        if (plan.Regions is null)
            console.MarkupLineInterpolated($"[red]{string.Join(", ", plan.Exceeded.Select(l => l.Name))}: exceeded, however few the devices.[/]");
        else if (plan.Regions > 1)
            console.MarkupLineInterpolated(
                $"As bicep/ deploys a region: [bold]{plan.Regions} regions[/] of {Number(Math.Ceiling((double)plan.Workload.Devices / plan.Regions.Value))} devices. The sizes above are for all of them in one, with what is said to do.");
    }

    private static void PrintCosts(IAnsiConsole console, CapacityPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple).Title($"Cost of a month, {plan.Prices.Currency}, with the prices given: inputs, not quotes")
            .AddColumn("what").AddColumn(new TableColumn("quantity").RightAligned()).AddColumn("unit").AddColumn(new TableColumn("amount").RightAligned());
        foreach (var cost in plan.Costs)
            table.AddRow(new Text(cost.What), new Text(Number(cost.Quantity)), new Text(cost.Unit), new Text(Money(cost.Amount)));
        table.AddRow(new Text("sum"), Text.Empty, Text.Empty, new Text(Money(plan.Cost)));
        console.Write(table);

        var prices = plan.Prices;
        if (prices.Unverified.Count == 0)
            console.MarkupLineInterpolated($"Every price is published for {prices.Location}, as of {prices.AsOf}, or was given.");
        else
            console.MarkupLineInterpolated(
                $"[red]{(100 * plan.UnverifiedShare).ToString("0", CultureInfo.InvariantCulture)} % of the sum rests on prices that are not verified: {string.Join(", ", prices.Unverified)}.[/] The others are published for {prices.Location}, as of {prices.AsOf}, or were given.");
    }

    private static string Size(NamespacePlan plan)
    {
        var unit = plan.Tier == "Standard" ? "throughput unit" : "processing unit";
        var units = plan.Units == plan.UnitsMax ? Count(plan.Units, unit) : $"{plan.Units} to {Count(plan.UnitsMax, unit)}";
        return $"{Times(plan.Namespaces)}{plan.Tier}, {units}, {plan.Partitions} partitions";
    }

    private static string Because(NamespacePlan plan) =>
        $"at the peak {Number(plan.Peak.EventsIn)} events and {Number(plan.Peak.BytesIn / 1e6)} MB a second in, {Number(plan.Peak.EventsOut)} and {Number(plan.Peak.BytesOut / 1e6)} out to {Count(plan.Readers, "group")}; "
        + $"{Number(plan.PartitionsNeeded)} partitions of the busiest hub at work";

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Times(int count) => count == 1 ? "" : $"{count} x ";

    private static string Money(double amount) => amount.ToString("#,0", CultureInfo.InvariantCulture);

    // Three digits are more than the inputs are worth.
    private static string Number(double value) => value.ToString(Math.Abs(value) switch
    {
        0 or >= 100 => "#,0",
        >= 10 => "0.#",
        >= 1 => "0.##",
        _ => "0.###",
    }, CultureInfo.InvariantCulture);
}
