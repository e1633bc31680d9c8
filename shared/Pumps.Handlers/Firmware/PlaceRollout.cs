using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;

namespace Pumps.Handlers.Firmware;

/// <summary>Begins to bring an image to devices. <see cref="AdvanceRollouts"/> does the rest.</summary>
/// <remarks>
/// Safe to repeat: the same id with the same content is the same rollout. No plan limits it: firmware mends what may be dangerous. The devices are those
/// of now; one that is registered later is not among them.
/// </remarks>
public sealed class PlaceRollout(IRolloutStore store, IFirmwareImages images, ImportImage import, TimeProvider time)
{
    public const int WavesMax = 20;
    public static readonly TimeSpan SoakMax = TimeSpan.FromDays(30);

    public async Task<Answer<StoredRollout>> HandleAsync(NewRollout rollout, CancellationToken cancel)
    {
        var faults = Check(rollout);
        if (faults.Count > 0)
            return new Answer<StoredRollout>.Invalid(faults);
        if (await images.FindAsync(rollout.ImageId, cancel) is not { } image)
            return new Answer<StoredRollout>.Absent(NoImage(rollout.ImageId));
        // The database is not where firmware gets its authenticity from (DP1 section 10).
        if (!import.IsGenuine(image.Head, await images.ReadAsync(image.Id, cancel)))
            return new Answer<StoredRollout>.Refused("image_not_genuine",
                $"Image {image.Id} is not what a trusted key has signed: it was changed, or its key ({Convert.ToHexStringLower(image.Head.KeyId)}) is trusted no more.");

        var (placing, stored) = await store.PlaceAsync(rollout, time.GetUtcNow(), cancel);
        return placing switch
        {
            RolloutPlacing.Placed or RolloutPlacing.Repeated => new Answer<StoredRollout>.Found(stored!),
            RolloutPlacing.IdTaken => new Answer<StoredRollout>.Refused(
                "rollout_id_taken", $"Rollout {rollout.Id} exists and is another one. Give another id."),
            RolloutPlacing.NoDevices => new Answer<StoredRollout>.Refused(
                "no_devices", $"No active device of {image.Product} is in the target ({Describe(rollout)}), or each of them has another transfer that is not over."),
            RolloutPlacing.NoImage => new Answer<StoredRollout>.Absent(NoImage(rollout.ImageId)),
            _ => throw new ArgumentOutOfRangeException(nameof(rollout), placing, "No such placing."),
        };
    }

    internal static string NoImage(string id) => $"There is no firmware image \"{id}\".";

    private static string Describe(NewRollout rollout) => rollout.Target.Describe() is { Length: > 0 } target ? target : "all devices";

    private static List<Fault> Check(NewRollout rollout)
    {
        var faults = new List<Fault>();
        var (waves, terms) = (rollout.Terms.Waves, rollout.Terms);
        if (!PlaceOrder.IsId(rollout.Id))
            faults.Add(new("invalid_rollout_id", "rollout", rollout.Id, $"1 to {PlaceOrder.IdMax} letters, digits, '-', '_' or '.'"));
        if (!PlaceOrder.IsId(rollout.ImageId))
            faults.Add(new("invalid_image_id", "image", rollout.ImageId, $"1 to {PlaceOrder.IdMax} letters, digits, '-', '_' or '.'"));
        if (waves.Length is 0 or > WavesMax || waves[0] < 1 || waves[^1] != 100 || waves.Zip(waves.Skip(1)).Any(pair => pair.First >= pair.Second))
            faults.Add(new("invalid_waves", "waves", string.Join(", ", waves), $"1 to {WavesMax} growing percentages from 1 on, the last of them 100"));
        if (terms.SuccessPercent is < 1 or > 100)
            faults.Add(new("out_of_range", "successPercent", $"{terms.SuccessPercent}", "1 to 100"));
        if (terms.ErrorPercent is < 0 or > 100)
            faults.Add(new("out_of_range", "errorPercent", $"{terms.ErrorPercent}", "0 to 100"));
        if (terms.Soak < TimeSpan.Zero || terms.Soak > SoakMax)
            faults.Add(new("out_of_range", "soakMinutes", $"{terms.Soak.TotalMinutes}", $"0 to {SoakMax.TotalMinutes}"));
        if (rollout.Window is { } window && window.Begins == window.Ends)
            faults.Add(new("invalid_window", "window", $"{window.Begins:HH:mm} to {window.Ends:HH:mm}", "a beginning and an end that differ; no window for any time"));
        rollout.Target.Check(faults);
        return faults;
    }
}
