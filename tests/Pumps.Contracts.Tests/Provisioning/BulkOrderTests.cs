using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

public sealed class BulkOrderTests : OrderFixture
{
    private const string Header = "device,product,customer,utc_offset_minutes\n";

    private BulkTable Bulks => new(Database);

    private static string Good(string device) => $"{device},irrigation-pump-v2,green-valley,\n";

    [Test]
    public async Task Every_line_has_a_receipt()
    {
        var (first, busy) = (NewDevice(), NewDevice());
        await OrderAsync(Core.Provisioning.OrderKind.Provision, busy);
        var summary = await TakenAsync("receipts", Header + Good(first) + "dp9-1,irrigation-pump-v2,green-valley,\n" + Good(first) + "\n" + Good(busy)
            + "dp1-4711,irrigation-pump-v1,green-valley,120\ndp1-4712,irrigation-pump-v1,green-valley,\n\"broken\na,b\n" + $"{NewDevice()},fire-hose,green-valley,\n");
        var lines = (await Bulks.ListAsync("receipts", null, 0, 100, Cancel)).Items;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((summary.Lines, summary.Accepted, summary.Duplicate, summary.Refused), Is.EqualTo((9, 2, 2, 5)));
            Assert.That(summary.ReceivedAt, Is.Not.Null);
            Assert.That(lines.Select(l => (l.Line, l.Outcome, l.Reason)), Is.EqualTo(new (int, LineOutcome, string?)[]
            {
                (2, LineOutcome.Accepted, null), (3, LineOutcome.Refused, "invalid_device_id"), (4, LineOutcome.Duplicate, "duplicate_device"),
                (6, LineOutcome.Duplicate, "duplicate_device"), (7, LineOutcome.Accepted, null), (8, LineOutcome.Refused, "invalid_utc_offset"),
                (9, LineOutcome.Refused, "malformed_line"), (10, LineOutcome.Refused, "malformed_line"), (11, LineOutcome.Refused, "unknown_product"),
            }));
            Assert.That(lines[2].Detail, Is.EqualTo("Line 2 orders the same device."));
        }
    }

    [Test]
    public async Task An_upload_that_broke_goes_on_where_it_stopped_and_doubles_nothing()
    {
        var devices = Enumerable.Range(0, 1700).Select(_ => NewDevice()).ToList();
        var file = Header + string.Concat(devices.Select(Good));
        Assert.That(() => Handler().HandleAsync("broken", new BrokenStream(file, file.Length * 2 / 3), Cancel), Throws.TypeOf<IOException>());
        var half = (await Bulks.FindAsync("broken", Cancel))!;
        var whole = await TakenAsync("broken", file);
        var again = await TakenAsync("broken", file);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(half.ReceivedAt, Is.Null);
            Assert.That(half.Lines, Is.GreaterThan(0).And.LessThan(1700));
            Assert.That((whole.Lines, whole.Accepted), Is.EqualTo((1700, 1700)));
            Assert.That((again.Lines, again.Accepted, again.ReceivedAt), Is.EqualTo((1700, 1700, whole.ReceivedAt)));
            Assert.That(await ScalarAsync<long>("select count(*) from device_order where origin = 'bulk:broken'"), Is.EqualTo(1700));
        }
    }

    [Test]
    public async Task Another_file_under_the_same_id_is_refused_with_its_first_line_that_differs()
    {
        var (one, two) = (NewDevice(), NewDevice());
        await TakenAsync("changed", Header + Good(one) + Good(two));
        var answer = await Handler().HandleAsync("changed", Stream(Header + Good(one) + Good(NewDevice())), Cancel);

        Assert.That(answer, Is.TypeOf<Answer<BulkSummary>.Refused>().With.Property("Rule").EqualTo("bulk_changed").And.Property("Detail").StartsWith("Line 3 "));
    }

    [TestCase("", "unknown_column")]
    [TestCase("device,product\n", "missing_column")]
    [TestCase("device,product,customer,colour\n", "unknown_column")]
    [TestCase("device,device,product,customer\n", "invalid_header")]
    public async Task A_header_that_cannot_be_used_is_refused_before_anything_is_kept(string header, string rule)
    {
        var answer = await Handler().HandleAsync("header", Stream(header + Good(NewDevice())), Cancel);

        Assert.That(((Answer<BulkSummary>.Invalid)answer).Faults[0].Rule, Is.EqualTo(rule));
        Assert.That(await Bulks.FindAsync("header", Cancel), Is.Null);
    }

    [Test]
    public async Task Site_and_claim_code_of_a_line_go_with_its_order_and_a_wrong_one_is_told_without_the_code()
    {
        const string header = "claim_code,device,product,customer,site\n";
        const string code = "7K2M-9QRS-0XYZ";
        await ExecuteAsync(
            "delete from claim_throttle; insert into customer (customer_id, name) values ('green-valley', 'Green Valley'), ('other-valley', 'Other Valley') on conflict do nothing;"
            + "insert into site (site_id, customer, name, time_zone) values ('bulk-field', 'green-valley', 'North', 'Europe/Berlin'), ('their-field', 'other-valley', 'North', 'Europe/Berlin') on conflict do nothing");
        var (sited, stocked) = (NewDevice(), NewDevice());
        var file = header + $",{sited},irrigation-pump-v2,green-valley,bulk-field\n" + $"{code},{stocked},irrigation-pump-v2,stock,\n"
            + $",{NewDevice()},irrigation-pump-v2,green-valley,their-field\n" + $",{NewDevice()},irrigation-pump-v2,green-valley,\"no field\"\n"
            + $"7K2M-9QRS,{NewDevice()},irrigation-pump-v2,stock,\n" + $"{code},{NewDevice()},irrigation-pump-v2,green-valley,\n"
            + $"7K2M-9QRS-0XYW,{stocked},irrigation-pump-v2,stock,\n";
        await TakenAsync("labelled", file);
        await TakenAsync("labelled", file);
        var lines = (await Bulks.ListAsync("labelled", null, 0, 100, Cancel)).Items;
        await RunAsync();
        await HelloAsync(stocked);
        await RunAsync();
        var claim = new ClaimDevice(new ClaimTable(Database), Rows, Place, new(Of(Options)), Of(Options), Time, NullLogger<ClaimDevice>.Instance);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines.Select(l => l.Reason), Is.EqualTo(new[]
            {
                null, null, "unknown_site", "unknown_site", "invalid_claim_code", "device_not_in_stock", "duplicate_device",
            }));
            Assert.That(string.Concat(lines.Select(l => l.Detail)), Does.Not.Contain("7K2M").And.Contain("their-field").And.Contain("a site of customer green-valley"));
            Assert.That((await Rows.FindAsync(sited, Cancel))!.Site, Is.EqualTo("bulk-field"));
            Assert.That(await ScalarAsync<int>($"select issue from claim_code where device_id = '{stocked}'"), Is.EqualTo(1));
            Assert.That(await claim.HandleAsync(stocked, code, "new-owner", Cancel), Is.TypeOf<Answer<StoredOrder>.Found>());
        }
    }

    private TakeBulkOrder Handler() => new(
        Bulks, new(Catalog, new CustomerTables(Database), new(Of(Options)), Portal, Of(Options)), Time, NullLogger<TakeBulkOrder>.Instance);

    private async Task<BulkSummary> TakenAsync(string id, string file)
    {
        var answer = await Handler().HandleAsync(id, Stream(file), Cancel);
        Assert.That(answer, Is.TypeOf<Answer<BulkSummary>.Found>(), answer.ToString());
        return ((Answer<BulkSummary>.Found)answer).Value;
    }

    private static MemoryStream Stream(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>An upload that ends before its file.</summary>
    private sealed class BrokenStream(string text, int length) : MemoryStream(Encoding.UTF8.GetBytes(text)[..length])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var count ? count : throw new IOException("the connection is gone");
    }
}
