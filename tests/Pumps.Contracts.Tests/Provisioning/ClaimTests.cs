using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

public sealed class ClaimTests : OrderFixture
{
    private ClaimTable Claims => new(Database);

    private ClaimHasher Hasher => new(Of(Options));

    [SetUp]
    public Task ForgetAsync() => ExecuteAsync("delete from claim_throttle");

    [Test]
    public async Task The_right_code_makes_the_device_its_owners()
    {
        var device = await ActiveAsync("stock");
        var code = await IssueAsync(device);
        var answer = await ClaimAsync(device, code.ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal), "new-owner");
        await RunAsync();

        Assert.That(answer, Is.TypeOf<Answer<StoredOrder>.Found>());
        Assert.That((await Registry.FindAsync(device, Cancel))!.Device.Customer, Is.EqualTo("new-owner"));
        Assert.That((await Rows.FindAsync(device, Cancel))!.Customer, Is.EqualTo("new-owner"));
    }

    [Test]
    public async Task A_code_works_once_and_for_its_owner_again()
    {
        var device = await ActiveAsync("stock");
        var code = await IssueAsync(device);
        var first = await ClaimAsync(device, code, "new-owner");
        var thief = await ClaimAsync(device, code, "thief");
        await RunAsync();
        var again = await ClaimAsync(device, code, "new-owner");
        var later = await ClaimAsync(device, code, "thief");

        Assert.That(((Answer<StoredOrder>.Found)again).Value.Id, Is.EqualTo(((Answer<StoredOrder>.Found)first).Value.Id));
        Assert.That(thief, Is.TypeOf<Answer<StoredOrder>.Refused>().With.Property("Rule").EqualTo("claim_not_accepted"));
        Assert.That(later, Is.EqualTo(thief));
    }

    [Test]
    public async Task Two_claimants_at_the_same_time_get_one_device()
    {
        var device = await ActiveAsync("stock");
        var code = await IssueAsync(device);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => ClaimAsync(device, code, $"owner-{i}")));

        Assert.That(answers.OfType<Answer<StoredOrder>.Found>().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_wrong_code_an_unknown_device_and_an_owned_one_look_the_same()
    {
        var (stock, owned) = (await ActiveAsync("stock"), await ActiveAsync("stock"));
        await IssueAsync(stock);
        var code = await IssueAsync(owned);
        await ClaimAsync(owned, code, "owner");
        await RunAsync();

        var wrong = await ClaimAsync(stock, "0000-0000-0000", "guesser");
        Assert.That(wrong, Is.TypeOf<Answer<StoredOrder>.Refused>().With.Property("Rule").EqualTo("claim_not_accepted"));
        Assert.That(await ClaimAsync("dp2-ffffffffffffffff", "0000-0000-0000", "guesser"), Is.EqualTo(wrong));
        Assert.That(await ClaimAsync(owned, code, "guesser"), Is.EqualTo(wrong));
    }

    [Test]
    public async Task Guessing_is_locked_for_the_device_whoever_guesses()
    {
        var device = await ActiveAsync("stock");
        var code = await IssueAsync(device);
        for (var i = 0; i < ClaimThrottle.FreeFailures; i++)
            Assert.That(await ClaimAsync(device, "0000-0000-0000", $"guesser-{i}"), Is.TypeOf<Answer<StoredOrder>.Refused>());

        var locked = (Answer<StoredOrder>.Throttled)await ClaimAsync(device, code, "owner");
        Time.Advance(locked.Wait);
        Assert.That(await ClaimAsync(device, code, "owner"), Is.TypeOf<Answer<StoredOrder>.Found>());
    }

    [Test]
    public async Task Guessing_is_locked_for_the_claimant_whatever_device_it_is()
    {
        for (var i = 0; i < ClaimThrottle.FreeFailures; i++)
            await ClaimAsync($"dp2-fffffffffffff0{i:x2}", "0000-0000-0000", "guesser");

        Assert.That(await ClaimAsync("dp2-fffffffffffff0ff", "0000-0000-0000", "guesser"), Is.TypeOf<Answer<StoredOrder>.Throttled>());
    }

    [Test]
    public async Task Guesses_at_the_same_time_gain_nothing()
    {
        var device = await ActiveAsync("stock");
        await IssueAsync(device);
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => ClaimAsync(device, "0000-0000-0000", $"guesser-{i}")));

        Assert.That(answers.OfType<Answer<StoredOrder>.Refused>().Count(), Is.LessThanOrEqualTo(ClaimThrottle.FreeFailures));
    }

    [Test]
    public async Task The_code_is_nowhere_in_the_database_and_a_new_one_replaces_it()
    {
        var device = await ActiveAsync("stock");
        var first = await IssueAsync(device);
        var second = await IssueAsync(device);
        var stored = (await Claims.FindAsync(device, Cancel))!;
        ClaimCode.TryNormalize(second, out var normal);

        Assert.That(stored.Hash, Is.EqualTo(Hasher.Hash(device, normal!, stored.Salt)));
        Assert.That(stored.Hash, Is.Not.EqualTo(new ClaimHasher(Of(new ProvisioningOptions { ClaimPepper = Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray()) })).Hash(device, normal!, stored.Salt)));
        Assert.That(await ClaimAsync(device, first, "owner"), Is.TypeOf<Answer<StoredOrder>.Refused>());
        Assert.That(await ClaimAsync(device, second, "owner"), Is.TypeOf<Answer<StoredOrder>.Found>());
    }

    [Test]
    public async Task Only_devices_of_the_stock_have_codes()
    {
        var answer = await new IssueClaimCode(Claims, Rows, Hasher, Of(Options), Time).HandleAsync(await ActiveAsync(), Cancel);

        Assert.That(answer, Is.TypeOf<Answer<string>.Refused>().With.Property("Rule").EqualTo("device_not_in_stock"));
    }

    [Test]
    public void Without_the_regions_secret_nothing_is_checked() =>
        Assert.That(() => new ClaimHasher(Of(new ProvisioningOptions())), Throws.InvalidOperationException.With.Message.Contains("Provisioning:ClaimPepper"));

    private async Task<string> IssueAsync(string device) =>
        ((Answer<string>.Found)await new IssueClaimCode(Claims, Rows, Hasher, Of(Options), Time).HandleAsync(device, Cancel)).Value;

    private Task<Answer<StoredOrder>> ClaimAsync(string device, string code, string customer) =>
        new ClaimDevice(Claims, Rows, Place, Hasher, Of(Options), Time, NullLogger<ClaimDevice>.Instance).HandleAsync(device, code, customer, Cancel);
}
