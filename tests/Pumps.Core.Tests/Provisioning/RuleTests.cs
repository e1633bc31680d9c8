using Pumps.Core.Provisioning;
using Pumps.Handlers.Offerings;

namespace Pumps.Core.Tests.Provisioning;

public sealed class RuleTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DeviceTags Target = DeviceWorld.Target;

    [TestCase("IP-200", null, null)]
    [TestCase("IP-200", 257, null)]
    [TestCase(null, null, null)]
    [TestCase("FP-9", null, "The device says that it is a \"FP-9\"; product irrigation-pump-v2 has IP-*.")]
    [TestCase("IP-200", 513, "The device speaks data dictionary 513; product irrigation-pump-v2 has 257.")]
    public void A_device_fits_its_product_by_model_and_dictionary(string? model, int? dictionary, string? expected) =>
        Assert.That(
            ProductFit.Misfit(CatalogLoader.Load(CatalogLoader.DefaultFolder).Products["irrigation-pump-v2"], new("dp2-0000000000000001", model, "1.0", dictionary)),
            Is.EqualTo(expected));

    private static IEnumerable<TestCaseData> Admissions()
    {
        var unknown = new DeviceBefore(null, null);
        var stock = DeviceWorld.Active.Before;
        var own = stock with { Row = stock.Row! with { Customer = Target.Customer } };
        var foreign = stock with { Row = stock.Row! with { Customer = "somebody-else" } };
        var retired = new DeviceBefore(null, foreign.Row! with { Status = "retired" });
        var suspended = DeviceWorld.Suspended.Before;

        yield return new(OrderKind.Provision, unknown, 0, null, null);
        yield return new(OrderKind.Provision, own, 9, 3, null);
        yield return new(OrderKind.Provision, stock, 0, null, null);
        yield return new(OrderKind.Provision, foreign, 0, null, "device_taken");
        yield return new(OrderKind.Provision, retired, 0, null, null);
        yield return new(OrderKind.Provision, unknown, 3, 3, "device_limit");
        yield return new(OrderKind.Provision, unknown, 2, 3, null);
        yield return new(OrderKind.Change, foreign, 0, null, null);
        yield return new(OrderKind.Change, stock, 3, 3, "device_limit");
        yield return new(OrderKind.Change, retired, 0, null, "unknown_device");
        yield return new(OrderKind.Suspend, unknown, 0, null, "unknown_device");
        yield return new(OrderKind.Resume, suspended, 0, null, null);
        yield return new(OrderKind.Resume, own with { Row = own.Row! with { Status = "ordered" } }, 0, null, "device_not_suspended");
        yield return new(OrderKind.Retire, own, 0, null, null);
        yield return new(OrderKind.RotateKeys, retired, 0, null, "unknown_device");
    }

    [TestCaseSource(nameof(Admissions))]
    public void An_order_is_admitted_by_these_rules(OrderKind kind, DeviceBefore before, int devices, int? max, string? rule) =>
        Assert.That(
            Admission.Refusal(kind, kind is OrderKind.Provision or OrderKind.Change ? Target : null, before, devices, max, "stock")?.Rule, Is.EqualTo(rule));

    [Test]
    public void A_code_reads_the_same_however_it_is_typed()
    {
        var code = ClaimCode.Create([0x20, 0x88, 0x41, 0x8A, 0x39, 0x28, 0xA9, 0x05]);
        ClaimCode.TryNormalize(code, out var normal);

        Assert.That(code, Does.Match("^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$"));
        foreach (var typed in new[] { code.ToLowerInvariant(), code.Replace("-", ""), $" {code} ", code.Replace("0", "O").Replace("1", "l") })
            Assert.That(ClaimCode.TryNormalize(typed, out var same) ? same : null, Is.EqualTo(normal), typed);
    }

    [TestCase("")]
    [TestCase("ABCD-EFGH-JKM")]
    [TestCase("ABCD-EFGH-JKMNP")]
    [TestCase("ABCD-EFGH-JKMU")]
    [TestCase("ABCD-EFGH-JKM!")]
    [TestCase(null)]
    public void What_is_no_code_is_not_read(string? typed) => Assert.That(ClaimCode.TryNormalize(typed, out _), Is.False);

    [Test]
    public void Wrong_codes_lock_for_longer_and_longer_and_a_guess_a_day_is_the_most()
    {
        var attempts = ClaimAttempts.None;
        var at = Noon;
        var waits = new List<double>();
        for (var i = 0; i < 14; i++)
        {
            Assert.That(ClaimThrottle.Wait(attempts, at), Is.Null);
            attempts = ClaimThrottle.Fail(attempts, at);
            var wait = ClaimThrottle.Wait(attempts, at) ?? TimeSpan.Zero;
            waits.Add(wait.TotalMinutes);
            at += wait;
        }

        Assert.That(waits, Is.EqualTo(new double[] { 0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440 }));
        Assert.That(ClaimThrottle.Fail(attempts, at + TimeSpan.FromDays(8)).Failures, Is.EqualTo(1));
    }

    [TestCase("a,b,c", new[] { "a", "b", "c" })]
    [TestCase(" a , b,", new[] { "a", "b", "" })]
    [TestCase("", new[] { "" })]
    [TestCase("\"a,b\",\"say \"\"hi\"\"\" ,c", new[] { "a,b", "say \"hi\"", "c" })]
    [TestCase("a,\"b", null)]
    [TestCase("a\"b,c", null)]
    [TestCase("\"a\"b,c", null)]
    public void A_line_of_CSV_is_split_or_refused(string line, string[]? expected) => Assert.That(CsvLine.Split(line), Is.EqualTo(expected));
}
