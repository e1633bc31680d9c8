using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Handlers.Firmware;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Images of firmware as they are kept.</summary>
public sealed class ImageStoreTests : RolloutFixture
{
    [Test]
    public async Task An_image_comes_back_as_it_was_given_and_its_id_is_given_once()
    {
        var head = new FirmwareHead(Protocol.Dp1, "2.15.0", 1, 255, Content.Length, [1], [2], [3], 128, 65_535, []);
        var (first, isNew) = await Images.AddAsync(new("dp1", "irrigation-pump-v1", head, Noon), Content, Cancel);
        var (second, isNewAgain) = await Images.AddAsync(Image("dp1", signature: 9), Content, Cancel);

        Assert.That((isNew, isNewAgain), Is.EqualTo((true, false)));
        Assert.That(first with { Head = head }, Is.EqualTo(new StoredImage("dp1", "irrigation-pump-v1", head, Noon)));
        Assert.That(first.Head, Is.EqualTo(head).UsingPropertiesComparer());
        Assert.That(second.Head.Signature, Is.EqualTo(head.Signature), "the one that was there");
        Assert.That((await Images.FindAsync("image", Cancel))!.Head, Is.EqualTo(Image("image").Head).UsingPropertiesComparer());
        Assert.That(await Images.ReadAsync("dp1", Cancel), Is.EqualTo(Content));
        Assert.That(await Images.FindAsync("none", Cancel), Is.Null);
        Assert.That(() => Images.ReadAsync("none", Cancel), Throws.InvalidOperationException);
    }

    [Test]
    public async Task The_bytes_of_an_image_are_not_compressed_a_second_time() =>
        Assert.That(await ScalarAsync<char>("select attstorage from pg_attribute where attrelid = 'firmware_image'::regclass and attname = 'content'"), Is.EqualTo('e'));

    [Test]
    public async Task Images_are_listed_newest_first_page_by_page_of_one_product_or_all()
    {
        await Images.AddAsync(Image("b"), Content, Cancel);
        await Images.AddAsync(Image("c", product: "mixing-station"), Content, Cancel);
        await Images.AddAsync(Image("a"), Content, Cancel);

        var first = await Images.ListAsync(null, null, 3, Cancel);
        Assert.That(first.Items.Select(i => i.Id), Is.EqualTo(new[] { "a", "c", "b" }));
        var rest = await Images.ListAsync(null, first.Next, 3, Cancel);
        Assert.That((rest.Items.Single().Id, rest.Next), Is.EqualTo(("image", (string?)null)));
        Assert.That((await Images.ListAsync(Product, null, 10, Cancel)).Items.Select(i => i.Id), Is.EqualTo(new[] { "a", "b", "image" }));
    }

    [Test]
    public async Task An_image_is_kept_while_a_rollout_sends_it()
    {
        await DevicesAsync(1);
        var rollout = await StartedAsync(Rollout("r"));
        Assert.That(await Images.RemoveAsync("image", Cancel), Is.EqualTo(ImageRemoval.InUse));

        await ComeToAsync(Device(0), TransferPhase.Done, null);
        await StepAsync(rollout, rollout.State with { Phase = RolloutPhase.Done, EndedAt = Noon });

        Assert.That(await Images.RemoveAsync("image", Cancel), Is.EqualTo(ImageRemoval.Removed));
        Assert.That(await Images.RemoveAsync("image", Cancel), Is.EqualTo(ImageRemoval.Absent));
        Assert.That((await Store.FindAsync("r", Cancel))!.FirmwareVersion, Is.EqualTo("2.5.0"), "What was sent is known without it.");
        Assert.That((await Store.PlaceAsync(Rollout("s"), Noon, Cancel)).Placing, Is.EqualTo(RolloutPlacing.NoImage));
    }

    [Test]
    public async Task Who_removes_an_image_and_who_places_its_rollout_at_the_same_moment_do_not_both_succeed()
    {
        await DevicesAsync(1);
        for (var i = 0; i < 10; i++)
        {
            await ExecuteAsync("delete from firmware_transfer; delete from firmware_rollout");
            await Images.AddAsync(Image("image"), Content, Cancel);
            var place = Store.PlaceAsync(Rollout("r"), Noon, Cancel);
            var removal = await Images.RemoveAsync("image", Cancel);

            Assert.That(((await place).Placing, removal), Is.EqualTo((RolloutPlacing.Placed, ImageRemoval.InUse)).Or.EqualTo((RolloutPlacing.NoImage, ImageRemoval.Removed)));
        }
    }
}
