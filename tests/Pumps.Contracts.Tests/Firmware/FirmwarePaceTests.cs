using Pumps.Handlers.Commands;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Firmware takes from the pace of direct methods what commands do not need.</summary>
public sealed class FirmwarePaceTests : RolloutFixture
{
    [SetUp]
    public Task FillAsync() => ExecuteAsync("update command_pace set budget = 0, filled_at = 'epoch'");

    [Test]
    public async Task Half_of_what_is_saved_up_stays_for_commands_and_what_has_gone_comes_back_with_the_time()
    {
        var pace = new Pace(40);
        Assert.That(await UnitsAsync(12, pace), Is.EqualTo(12));
        Assert.That(await UnitsAsync(12, pace), Is.EqualTo(8));
        Assert.That(await UnitsAsync(12, pace), Is.Zero);
        Assert.That(await UnitsAsync(12, pace, Noon.AddSeconds(0.25)), Is.EqualTo(10));

        Assert.That(await ScalarAsync<double>("select budget from command_pace where route = 'method'"), Is.EqualTo(20));
    }

    [Test]
    public async Task A_full_bucket_has_room_for_the_largest_frame_however_low_the_pace([Values(1, 1.5, 2, 3, 4, 5)] double rate)
    {
        await UnitsAsync(100, new(rate));
        var at = Noon.AddSeconds(2);

        Assert.That((await Store.TakePaceAsync("dp2-a", 1, 2, false, new(rate), at, Cancel)).Frames, Is.EqualTo(1));
        Assert.That(await UnitsAsync(100, new(rate), at), Is.EqualTo(0).Or.LessThanOrEqualTo(rate / 2));
    }

    [Test]
    public async Task What_commands_have_taken_is_not_there()
    {
        await ExecuteAsync($"update command_pace set budget = 15, filled_at = '{Noon:O}' where route = 'method'");
        Assert.That(await UnitsAsync(4, new(40)), Is.Zero);
        Assert.That(await ScalarAsync<double>("select budget from command_pace where route = 'method'"), Is.EqualTo(15));
    }

    [Test]
    public async Task A_device_that_starts_an_image_does_not_wait_for_the_commands()
    {
        await ExecuteAsync($"update command_pace set budget = 1, filled_at = '{Noon:O}' where route = 'method'");
        Assert.That((await Store.TakePaceAsync("dp2-a", 1, 1, true, new(40), Noon, Cancel)).Frames, Is.EqualTo(1));
    }

    [Test]
    public async Task What_is_too_little_for_a_frame_stays_where_it_is()
    {
        await ExecuteAsync($"update command_pace set budget = 25.5, filled_at = '{Noon:O}' where route = 'method'");
        var (frames, first) = await Store.TakePaceAsync("dp2-a", 8, 2, false, new(40), Noon, Cancel);
        var (none, second) = await Store.TakePaceAsync("dp2-a", 8, 2, false, new(40), Noon, Cancel);

        Assert.That((frames, none, second - first), Is.EqualTo((2, 0, 2)));
        Assert.That(await ScalarAsync<double>("select budget from command_pace where route = 'method'"), Is.EqualTo(21.5));
    }

    [Test]
    public async Task Frames_are_numbered_one_after_another_as_many_as_there_is_room_for()
    {
        var (_, first) = await Store.TakePaceAsync("dp2-a", 3, 1, false, new(40), Noon, Cancel);
        var (units, second) = await Store.TakePaceAsync("dp2-a", 30, 1, false, new(40), Noon, Cancel);
        var (none, third) = await Store.TakePaceAsync("dp2-a", 30, 1, false, new(40), Noon, Cancel);
        var (_, other) = await Store.TakePaceAsync("dp2-a", 1, 1, false, new(40), Noon.AddSeconds(1), Cancel);

        Assert.That((units, none), Is.EqualTo((17, 0)));
        Assert.That((second - first, third - second, other - third), Is.EqualTo((3, 17, 0)));
        Assert.That(await ScalarAsync<long>("select last_downlink from command_device where device_id = 'dp2-a'"), Is.EqualTo(other));
    }

    [Test]
    public async Task Many_who_ask_at_once_get_what_is_there()
    {
        RolloutStore[] stores = [Store, new(Elsewhere)];
        var taken = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => stores[i % 2].TakePaceAsync($"dp2-{i % 7}", 2, 1, false, new(40), Noon, Cancel)));

        Assert.That(taken.Sum(t => t.Frames), Is.EqualTo(20));
    }

    private async Task<int> UnitsAsync(int wanted, Pace pace, DateTimeOffset? now = null) => (await Store.TakePaceAsync("dp2-a", wanted, 1, false, pace, now ?? Noon, Cancel)).Frames;
}
