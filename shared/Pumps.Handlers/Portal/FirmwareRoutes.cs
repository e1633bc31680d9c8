using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;

namespace Pumps.Handlers.Portal;

/// <summary>Body of an image: its id stands in the path. Bytes are base64.</summary>
/// <param name="KeyId">Of the key that has signed it, 16 hex digits.</param>
/// <param name="Signature">Ed25519. DP1: over the SHA-256 of the content; DP2: over the manifest, behind the prefix of the protocol.</param>
/// <param name="Manifest">For DP2 only: as it was signed.</param>
/// <param name="Version">For DP1 only, as the two after it; a DP2 manifest says them.</param>
/// <param name="HardwareMin">Lowest hardware revision that takes it.</param>
/// <param name="HardwareMax">Highest one.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ImageBody(
    string Product, byte[] Content, byte[] Signature, string KeyId, byte[]? Manifest = null, string? Version = null, int? HardwareMin = null, int? HardwareMax = null);

/// <summary>An image of firmware, without its bytes.</summary>
/// <param name="ChunkBytes">How much of it goes to a device at a time.</param>
/// <param name="Sha256">Of all of it, hex.</param>
/// <param name="KeyId">Of the key that has signed it, hex.</param>
public sealed record ImageView(
    string Id, string Product, string Protocol, string Version, int HardwareMin, int HardwareMax, int SizeBytes, int ChunkBytes, int Chunks, string Sha256,
    string KeyId, DateTimeOffset ImportedAt);

/// <summary>The hours in which devices may start an image, by the clocks of their sites: <c>22:00</c> to <c>04:00</c> is over midnight.</summary>
/// <param name="Ends">Not part of it.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RolloutWindow(string Begins, string Ends);

/// <summary>Body of a rollout: its id stands in the path. It is for the listed devices of the image's product; or for all of them, as far as site, tag and customer fit.</summary>
/// <param name="Image">Id of an image.</param>
/// <param name="Waves">How many percent of the devices are reached with each wave; absent: 1, 10, 50, 100.</param>
/// <param name="SuccessPercent">Of a wave's devices that must be done before the next wave begins.</param>
/// <param name="ErrorPercent">Of a wave's devices that may fail; with one more the rollout pauses.</param>
/// <param name="SoakMinutes">How long a wave must have been successful before the next one begins.</param>
/// <param name="Window">When devices may start the image; absent: at any time.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RolloutBody(
    string Image, string? Site = null, string? Tag = null, string? Customer = null, IReadOnlyList<string>? Devices = null, IReadOnlyList<int>? Waves = null,
    int SuccessPercent = 90, int ErrorPercent = 5, int SoakMinutes = 60, RolloutWindow? Window = null);

/// <summary>One wave of a rollout, and where the transfers of its devices stand.</summary>
/// <param name="Wave">From 1.</param>
/// <param name="Percent">Of the rollout's devices that are reached with it and the waves before it.</param>
/// <param name="Open">Devices that are neither done nor failed nor cancelled.</param>
public sealed record WaveView(int Wave, int Percent, bool Begun, int Devices, int Done, int Failed, int Cancelled, int Open);

/// <summary>A rollout and where it stands.</summary>
/// <param name="Listed">Whether its devices were named one by one.</param>
/// <param name="Phase">running, paused, aborting; over: done, aborted.</param>
/// <param name="Reason">Why it is paused: <c>error_threshold</c>, or null when somebody wanted it.</param>
/// <param name="Wave">The newest that has begun, from 1; 0: none.</param>
/// <param name="Percents">How many percent of its devices are reached with each wave.</param>
/// <param name="By">Who placed it.</param>
/// <param name="SteeredBy">Who has paused, resumed or aborted it last; null: nobody, or it paused by itself since.</param>
/// <param name="SuccessfulAt">Since when the newest wave has been successful.</param>
/// <param name="Waves">Absent in lists.</param>
public sealed record RolloutView(
    string Id, string Image, string Product, string Version, string? Site, string? Tag, string? Customer, bool Listed, int Devices, string Phase, string? Reason, int Wave,
    IReadOnlyList<int> Percents, int SuccessPercent, int ErrorPercent, double SoakMinutes, RolloutWindow? Window, string By, string? SteeredBy,
    DateTimeOffset CreatedAt, DateTimeOffset? SuccessfulAt, DateTimeOffset? EndedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<WaveView>? Waves = null);

/// <summary>How far an image has come to a device.</summary>
/// <param name="Version">Of the image; null when the image was removed since, as are <paramref name="Chunks"/>.</param>
/// <param name="Wave">From 1.</param>
/// <param name="Phase">waiting, sending, ready, activating, confirming, cancelling; over: done, failed, cancelled.</param>
/// <param name="Stored">Chunks that the device has, as far as it has told.</param>
/// <param name="Percent">Of the chunks; of a transfer that is done, 100.</param>
/// <param name="Restarts">How often it began anew because the device had lost it.</param>
/// <param name="Reason">Why it failed, what holds it up, or <c>already_running</c>.</param>
/// <param name="StartedAt">When the device was first told; null: not yet.</param>
/// <param name="DueAt">When the region comes back to it; null: its wave has not begun, or it is over.</param>
public sealed record TransferView(
    string Rollout, string Image, string? Version, string Device, int Wave, string Phase, int Stored, int? Chunks, int? Percent, int Restarts, string? Reason,
    DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, DateTimeOffset? DueAt);

/// <summary>The firmware of a device.</summary>
/// <param name="Version">The one that it last said it runs; null: it never said.</param>
/// <param name="Transfers">The newest, newest first.</param>
public sealed record DeviceFirmwareView(string Device, string? Version, IReadOnlyList<TransferView> Transfers);

internal static class FirmwareRoutes
{
    private const int PageMax = 1000;

    // Of a device: more is history, and the rollouts have it.
    private const int TransfersShown = 10;

    // A thousand ids of devices and some words.
    private const long RolloutBodyMax = 64 << 10;

    // Beside the image: its manifest, its signature, and the names of all members.
    private const int AroundImage = 64 << 10;

    private static readonly int[] WavesUsual = [1, 10, 50, 100];

    private static readonly QueryParameter Product = new("product", "Only images for this product.", LengthMax: 64);
    private static readonly QueryParameter RolloutPhaseIs = new("phase", "Only rollouts in this phase.", Values: RolloutPhases.All);
    private static readonly QueryParameter TransferPhaseIs = new("phase", "Only transfers in this phase.", Values: TransferPhases.All);
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter ImageLimit = new("limit", "Images on a page.", "100", 1, PageMax);
    private static readonly QueryParameter RolloutLimit = new("limit", "Rollouts on a page.", "100", 1, PageMax);
    private static readonly QueryParameter TransferLimit = new("limit", "Transfers on a page.", "100", 1, PageMax);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var largest = routes.ServiceProvider.GetRequiredService<IOptions<FirmwareOptions>>().Value.ImageBytesMax;
        var images = routes.MapGroup("/api/firmware/images").WithTags("Firmware");

        images.MapPut("/{id}", ImportAsync).For(PortalRole.Ops).WithName("importImage").WithSummary("Takes an image that a trusted key has signed")
            .WithDescription("The id is the giver's: the same image again is the same image. Bytes are base64. A DP1 image comes with version and hardware, a DP2 image with its manifest.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax(largest)))
            .Produces<ImageView>().ProducesProblem(400).ProducesProblem(409).ProducesProblem(413).ProducesProblem(503);

        images.MapGet("/", ListImagesAsync).For(PortalRole.Ops).WithName("listImages").WithSummary("Images of firmware, newest first")
            .WithMetadata(Product, Cursor, ImageLimit).Produces<PageView<ImageView>>().ProducesProblem(400).ProducesProblem(503);

        images.MapGet("/{id}", FindImageAsync).For(PortalRole.Ops).WithName("findImage").WithSummary("One image, without its bytes")
            .Produces<ImageView>().ProducesProblem(404).ProducesProblem(503);

        images.MapDelete("/{id}", RemoveImageAsync).For(PortalRole.Ops).WithName("removeImage").WithSummary("Removes an image that no open rollout sends")
            .Produces(204).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        var rollouts = routes.MapGroup("/api/firmware/rollouts").WithTags("Firmware");

        rollouts.MapPut("/{id}", PlaceAsync).For(PortalRole.Ops).WithName("placeRollout").WithSummary("Brings an image to devices, wave by wave")
            .WithDescription(
                "The id is the giver's: the same rollout again is the same rollout. It is for the active devices of now that have no other transfer; no plan limits it. " +
                "When more devices of a wave fail than it allows, it pauses by itself.")
            .WithMetadata(new RequestSizeLimitAttribute(RolloutBodyMax))
            .Produces<RolloutView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(413).ProducesProblem(503);

        rollouts.MapGet("/", ListRolloutsAsync).For(PortalRole.Ops).WithName("listRollouts").WithSummary("Rollouts, newest first")
            .WithMetadata(RolloutPhaseIs, Cursor, RolloutLimit).Produces<PageView<RolloutView>>().ProducesProblem(400).ProducesProblem(503);

        rollouts.MapGet("/{id}", FindRolloutAsync).For(PortalRole.Ops).WithName("findRollout").WithSummary("One rollout with its waves")
            .Produces<RolloutView>().ProducesProblem(404).ProducesProblem(503);

        rollouts.MapPost("/{id}/pause", PauseAsync).For(PortalRole.Ops).WithName("pauseRollout")
            .WithSummary("Sends nothing more; what a device has begun to start goes on")
            .Produces<RolloutView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        rollouts.MapPost("/{id}/resume", ResumeAsync).For(PortalRole.Ops).WithName("resumeRollout").WithSummary("Lets a paused rollout go on")
            .WithDescription("Whoever does so accepts the failures that there are: only further ones count for its threshold.")
            .Produces<RolloutView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        rollouts.MapPost("/{id}/abort", AbortAsync).For(PortalRole.Ops).WithName("abortRollout")
            .WithSummary("Takes back every transfer whose device has not begun to start the image")
            .Produces<RolloutView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        rollouts.MapGet("/{id}/transfers", ListTransfersAsync).For(PortalRole.Ops).WithName("listTransfers")
            .WithSummary("The transfers of a rollout, in the order of their devices' ids")
            .WithMetadata(TransferPhaseIs, Cursor, TransferLimit).Produces<PageView<TransferView>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        routes.MapGet("/api/devices/{id}/firmware", OfDeviceAsync).For(PortalRole.Viewer).WithTags("Firmware").WithName("readDeviceFirmware")
            .WithSummary("The version that a device runs, and its newest transfers")
            .WithDescription("Transfers that ended before the device began to work for its present owner are for ops only.")
            .Produces<DeviceFirmwareView>().ProducesProblem(404).ProducesProblem(503);
    }

    /// <summary>Room for the body of an image of so many bytes.</summary>
    internal static long BodyMax(int imageBytes) => ((imageBytes + 2L) / 3 * 4) + AroundImage;

    private static async Task<IResult> ImportAsync(string id, ImageBody body, [FromServices] ImportImage handler, CancellationToken cancel)
    {
        var answer = await handler.HandleAsync(
            new(id, body.Product, body.Content, body.KeyId, body.Signature, body.Manifest, body.Version, body.HardwareMin, body.HardwareMax), cancel);
        return answer is Answer<StoredImage>.Found found ? TypedResults.Ok(View(found.Value)) : answer.ToHttp();
    }

    private static async Task<IResult> ListImagesAsync(HttpRequest request, [FromServices] IFirmwareImages images, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (product, cursor, limit) = (query.Text(Product), query.Text(Cursor), query.Number(ImageLimit));
        query.CheckCursor(Cursor, cursor);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await images.ListAsync(product, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<ImageView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> FindImageAsync(string id, [FromServices] IFirmwareImages images, CancellationToken cancel) =>
        await images.FindAsync(id, cancel) is { } image ? TypedResults.Ok(View(image)) : new Answer<ImageView>.Absent(PlaceRollout.NoImage(id)).ToHttp();

    private static async Task<IResult> RemoveImageAsync(string id, [FromServices] IFirmwareImages images, CancellationToken cancel) =>
        await images.RemoveAsync(id, cancel) switch
        {
            ImageRemoval.Removed => TypedResults.NoContent(),
            ImageRemoval.InUse => new Answer<ImageView>.Refused("image_in_use", $"A rollout that is not over sends image {id}. Abort it first, or wait.").ToHttp(),
            _ => new Answer<ImageView>.Absent(PlaceRollout.NoImage(id)).ToHttp(),
        };

    private static async Task<IResult> PlaceAsync(
        string id, RolloutBody body, HttpContext http, [FromServices] PlaceRollout handler, [FromServices] IRolloutStore store, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        var window = body.Window is { } given ? new MaintenanceWindow(Time(given.Begins, "window.begins", faults), Time(given.Ends, "window.ends", faults)) : (MaintenanceWindow?)null;
        if (faults.Count > 0)
            return Problems.Invalid(faults);

        var target = new Commands.GroupTarget(body.Site, body.Tag, body.Customer, body.Devices?.Distinct().Order(StringComparer.Ordinal).ToList());
        var terms = new RolloutTerms([.. body.Waves ?? WavesUsual], body.SuccessPercent, body.ErrorPercent, TimeSpan.FromMinutes(body.SoakMinutes));
        return await ToHttpAsync(await handler.HandleAsync(new(id, body.Image, target, terms, window, CommandRoutes.Who(http)), cancel), store, cancel);
    }

    private static async Task<IResult> ListRolloutsAsync(HttpRequest request, [FromServices] IRolloutStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (phase, cursor, limit) = (query.Text(RolloutPhaseIs), query.Text(Cursor), query.Number(RolloutLimit));
        query.CheckCursor(Cursor, cursor);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await store.ListAsync(phase is null ? null : RolloutPhases.Parse(phase), cursor, limit, cancel);
        return TypedResults.Ok(new PageView<RolloutView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> FindRolloutAsync(string id, [FromServices] IRolloutStore store, CancellationToken cancel) =>
        await ToHttpAsync(
            await store.FindAsync(id, cancel) is { } rollout ? new Answer<StoredRollout>.Found(rollout) : new Answer<StoredRollout>.Absent(AdvanceRollouts.NoRollout(id)),
            store, cancel);

    private static async Task<IResult> PauseAsync(
        string id, HttpContext http, [FromServices] AdvanceRollouts handler, [FromServices] IRolloutStore store, CancellationToken cancel) =>
        await ToHttpAsync(await handler.PauseAsync(id, CommandRoutes.Who(http), cancel), store, cancel);

    private static async Task<IResult> ResumeAsync(
        string id, HttpContext http, [FromServices] AdvanceRollouts handler, [FromServices] IRolloutStore store, CancellationToken cancel) =>
        await ToHttpAsync(await handler.ResumeAsync(id, CommandRoutes.Who(http), cancel), store, cancel);

    private static async Task<IResult> AbortAsync(
        string id, HttpContext http, [FromServices] AdvanceRollouts handler, [FromServices] IRolloutStore store, CancellationToken cancel) =>
        await ToHttpAsync(await handler.AbortAsync(id, CommandRoutes.Who(http), cancel), store, cancel);

    private static async Task<IResult> ListTransfersAsync(
        string id, HttpRequest request, [FromServices] IRolloutStore store, [FromServices] IFirmwareImages images, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (phase, cursor, limit) = (query.Text(TransferPhaseIs), query.Text(Cursor), query.Number(TransferLimit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);
        if (await store.FindAsync(id, cancel) is not { } rollout)
            return new Answer<RolloutView>.Absent(AdvanceRollouts.NoRollout(id)).ToHttp();

        var page = await store.ListTransfersAsync(rollout.Number, phase is null ? null : TransferPhases.Parse(phase), cursor, limit, cancel);
        return TypedResults.Ok(new PageView<TransferView>(await ViewAsync(page.Items, images, cancel), page.Next));
    }

    private static async Task<IResult> OfDeviceAsync(
        string id, HttpRequest request, IDatapointQueries queries, [FromServices] IRolloutStore store, [FromServices] IFirmwareImages images, TimeProvider time,
        CancellationToken cancel)
    {
        var query = new QueryReader(request);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);
        if (await queries.FindDeviceAsync(id, cancel) is not { } device)
            return new Answer<DeviceFirmwareView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp();

        // What is still to be done with a device is its present owner's business.
        var (visible, now) = (device.VisibleFrom(await PortalAccess.IsOpsAsync(request.HttpContext)), time.GetUtcNow());
        var transfers = (await store.ListOfDeviceAsync(id, TransfersShown, cancel)).Where(t => (t.State.EndedAt ?? now) >= visible).ToList();
        return TypedResults.Ok(new DeviceFirmwareView(id, device.Firmware, await ViewAsync(transfers, images, cancel)));
    }

    private static async Task<IResult> ToHttpAsync(Answer<StoredRollout> answer, IRolloutStore store, CancellationToken cancel)
    {
        if (answer is not Answer<StoredRollout>.Found { Value: var rollout })
            return answer.ToHttp();

        var (percents, counts) = (rollout.Order.Terms.Waves, await store.CountAsync(rollout.Number, cancel));
        return TypedResults.Ok(View(rollout) with
        {
            Waves = [.. counts.Select((w, i) => new WaveView(i + 1, percents[i], i <= rollout.State.Wave, w.Devices, w.Done, w.Failed, w.Cancelled, w.Open))],
        });
    }

    private static ImageView View(StoredImage image)
    {
        var head = image.Head;
        return new(
            image.Id, image.Product, head.Protocol.Name(), head.Version, head.HardwareMin, head.HardwareMax, head.SizeBytes, head.ChunkBytes, head.Chunks,
            Convert.ToHexStringLower(head.Sha256), Convert.ToHexStringLower(head.KeyId), image.ImportedAt);
    }

    private static RolloutView View(StoredRollout rollout)
    {
        var (order, state) = (rollout.Order, rollout.State);
        return new(
            order.Id, order.ImageId, rollout.Product, rollout.FirmwareVersion, order.Target.Site, order.Target.Tag, order.Target.Customer, order.Target.Devices is not null,
            rollout.Devices, state.Phase.Name(), state.Reason, state.Wave + 1, order.Terms.Waves, order.Terms.SuccessPercent, order.Terms.ErrorPercent,
            order.Terms.Soak.TotalMinutes, order.Window is { } window ? new(Text(window.Begins), Text(window.Ends)) : null, order.By,
            state.SteeredBy, rollout.CreatedAt, state.SuccessfulAt, state.EndedAt);
    }

    private static async Task<List<TransferView>> ViewAsync(IReadOnlyList<StoredTransfer> transfers, IFirmwareImages images, CancellationToken cancel)
    {
        var heads = new Dictionary<string, FirmwareHead?>();
        foreach (var id in transfers.Select(t => t.ImageId).Distinct())
            heads[id] = (await images.FindAsync(id, cancel))?.Head;
        return [.. transfers.Select(t => View(t, heads[t.ImageId]))];
    }

    private static TransferView View(StoredTransfer transfer, FirmwareHead? head)
    {
        var state = transfer.State;
        int? percent = state.Phase is TransferPhase.Done ? 100 : head is null ? null : (int)(state.Stored * 100L / head.Chunks);
        return new(
            transfer.RolloutId, transfer.ImageId, head?.Version, transfer.DeviceId, transfer.Wave + 1, state.Phase.Name(), state.Stored, head?.Chunks, percent, state.Restarts,
            state.Reason, state.StartedAt, state.EndedAt, state.DueAt);
    }

    private static TimeOnly Time(string text, string parameter, List<Fault> faults)
    {
        if (!TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            faults.Add(new("invalid_window", parameter, text, "a time of the site's clocks from 00:00 to 23:59"));
        return time;
    }

    private static string Text(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);
}
