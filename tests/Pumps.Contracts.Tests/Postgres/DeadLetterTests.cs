using Pumps.Handlers.Hubs;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

public sealed class DeadLetterTests : PostgresFixture
{
    private static DeadLetter Letter(long sequence, string code = "E_CRC") => new(
        "raw-telemetry-dp1", "3", sequence, Noon, "dp1-1", code, "checksum\0wrong", new(new("b", "1"), new("a", "2"), new("b", "3")), new byte[] { 0, 255, (byte)sequence });

    [Test]
    public async Task A_letter_is_kept_once_with_its_bytes_and_properties_and_counted_until_replayed()
    {
        var letters = new DeadLetters(Database);
        await letters.StoreAsync([Letter(1), Letter(2), Letter(3, "untagged_device")], Cancel);
        await letters.StoreAsync([Letter(2), Letter(4)], Cancel);

        var first = await letters.ListAsync(null, null, 3, Cancel);
        var second = await letters.ListAsync(null, first.Next, 3, Cancel);
        await letters.MarkReplayedAsync(first.Items[0].Id, Cancel);
        var replayed = (await letters.FindAsync(first.Items[0].Id, Cancel))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Items.Concat(second.Items).Select(l => l.Letter.Sequence), Is.EqualTo(new[] { 4, 3, 2, 1 }));
            Assert.That(second.Next, Is.Null);
            Assert.That(second.Items[0].Letter.Body.ToArray(), Is.EqualTo(new byte[] { 0, 255, 1 }));
            Assert.That(second.Items[0].Letter.Properties.Items.ToArray(), Is.EqualTo(new KeyValuePair<string, string>[] { new("b", "1"), new("a", "2"), new("b", "3") }));
            Assert.That(second.Items[0].ReplayedAt, Is.Null);
            Assert.That(replayed.ReplayedAt, Is.Not.Null);
            Assert.That(await letters.CountByCodeAsync(Cancel), Is.EquivalentTo(new Dictionary<string, long> { ["E_CRC"] = 2, ["untagged_device"] = 1 }));
            Assert.That((await letters.ListAsync("untagged_device", null, 10, Cancel)).Items.Select(l => l.Letter.Sequence), Is.EqualTo(new[] { 3 }));
        }
    }

    [Test]
    public void A_cursor_from_elsewhere_is_refused() =>
        Assert.That(() => new DeadLetters(Database).ListAsync(null, "x", 3, Cancel), Throws.ArgumentException.With.Message.Contains("\"x\" is not a cursor"));
}
