using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Firmware;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps firmware</c>: images of firmware and their way to the devices of the running region.</summary>
internal static class FirmwareCommand
{
    // What a made image has when nothing is said: 157 blocks for a DP1 device, which are seconds on one machine.
    private const int SizeUsual = 20_000;

    // Goes to the device in one metered piece of 4 KB (FirmwareLink.UnitsOf).
    private const ushort ChunkBytes = 2048;

    // What fits on a screen; "pumps firmware transfers" has all of them.
    private const int FailuresShown = 10;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // Images that are made for trying are of one vendor, which no device of the maker's is.
    private static readonly Guid Vendor = new("7f1d0c52-5f0e-4c39-9a67-2b8d4f60a1e3");

    private static readonly string[] ImageColumns = ["image", "product", "version", "hardware", "bytes", "chunks", "key", "imported at"];
    private static readonly string[] RolloutColumns = ["rollout", "image", "version", "devices", "phase", "wave", "reason", "by", "placed at", "ended at"];
    private static readonly string[] WaveColumns = ["wave", "percent", "begun", "devices", "done", "failed", "cancelled", "open"];
    private static readonly string[] TransferColumns = ["device", "wave", "phase", "chunks", "percent", "restarts", "reason", "started at", "ended at", "due at"];

    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var rollout = new Argument<string>("rollout") { Description = "Its id." };
        return new("firmware", "Images of firmware, and rollouts that bring them to the devices of the running region.")
        {
            Make(console), Import(console), Images(console), Remove(console), Place(console, time), Rollouts(console), Show(console, rollout), Transfers(console, rollout),
            Steer("pause", "Send nothing more. What a device has begun to start goes on.", console, rollout),
            Steer("resume", "Let a paused rollout go on. The failures that there are count no more.", console, rollout),
            Steer("abort", "Take back every transfer whose device has not begun to start the image.", console, rollout),
        };
    }

    private static Command Make(IAnsiConsole console)
    {
        var (product, version, hardware, id) = (ProductOption(), VersionOption(), HardwareOption(), IdOption("Its id. Default: <product>-<version>."));
        version.Required = true;
        var file = new Option<FileInfo?>("--file") { Description = "What it holds. Default: random bytes." };
        var size = new Option<int?>("--size") { Description = $"How many random bytes. Default: {SizeUsual}." };
        var counter = new Option<uint>("--counter") { Description = "DP2 only: the security counter. A device refuses one below its own.", DefaultValueFactory = _ => 1 };
        size.Validators.Add(given =>
        {
            if (given.GetValue(size) is < 1)
                given.AddError("--size is a number of bytes from 1.");
        });
        var call = new RegionCall(RegionCall.Upload);
        var command = call.On(new("make", "Make an image for trying, sign it with the key of the local region, and import it.") { product, version, hardware, file, size, counter, id });
        command.Validators.Add(given =>
        {
            if (given.GetResult(file) is not null && given.GetResult(size) is not null)
                given.AddError("Give --file or --size, not both.");
        });
        command.SetAction(async (parsed, cancel) =>
        {
            var folder = call.DataFolder(parsed).FullName;
            if (!File.Exists(FirmwareKey.FileIn(folder)))
                return Fail(console, $"There is no {FirmwareKey.FileIn(folder)}, with which images are signed. A region makes it at its start: \"pumps up\".");
            var name = parsed.GetValue(product)!;
            if (CatalogLoader.Load(CatalogLoader.DefaultFolder).Products.GetValueOrDefault(name) is not { } known)
                return Fail(console, $"The catalog has no product \"{name}\".");

            try
            {
                var content = parsed.GetValue(file) is { } from
                    ? await File.ReadAllBytesAsync(from.FullName, cancel)
                    : RandomNumberGenerator.GetBytes(parsed.GetValue(size) ?? SizeUsual);
                var body = Sign(FirmwareKey.ReadOrCreate(folder), known, parsed.GetValue(version)!, parsed.GetValue(hardware), parsed.GetValue(counter), content);
                return await SendAsync(call, console, parsed, parsed.GetValue(id) ?? $"{name}-{parsed.GetValue(version)}", body, cancel);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                return Fail(console, fault.Message);
            }
        });
        return command;
    }

    private static ImageBody Sign(FirmwareKey key, Product product, string version, (int Min, int Max)? hardware, uint counter, byte[] content)
    {
        var digest = SHA256.HashData(content);
        if (product.Protocol is Protocol.Dp1)
            return new(
                product.Id, content, key.Sign(digest), key.KeyId, Version: version, HardwareMin: hardware?.Min ?? byte.MinValue, HardwareMax: hardware?.Max ?? byte.MaxValue);

        var (min, max) = hardware ?? (ushort.MinValue, ushort.MaxValue);
        var manifest = new Dp2Manifest(
            Vendor.ToByteArray(bigEndian: true), (product.FirmwareClass ?? Guid.Empty).ToByteArray(bigEndian: true), (ushort)min, (ushort)max, version, counter,
            (uint)content.Length, digest, ChunkBytes).ToBytes();
        return new(product.Id, content, key.Sign(Dp2Manifest.SignedBytes(manifest)), key.KeyId, manifest);
    }

    private static Command Import(IAnsiConsole console)
    {
        var id = new Argument<string>("image") { Description = "The id that it gets. The same image again is the same image." };
        var (product, version, hardware) = (ProductOption(), VersionOption(), HardwareOption());
        var file = new Option<FileInfo>("--file") { Description = "The image.", Required = true };
        var signature = new Option<FileInfo>("--signature") { Description = "File with the 64 bytes of the Ed25519 signature.", Required = true };
        var key = new Option<string>("--key-id") { Description = "Id of the key that has signed it, 16 hex digits.", Required = true };
        var manifest = new Option<FileInfo?>("--manifest") { Description = "DP2: file with the manifest as it was signed. It says version and hardware." };
        version.Description = "DP1: " + version.Description;
        hardware.Description = "DP1: " + hardware.Description;
        var call = new RegionCall(RegionCall.Upload);
        var command = call.On(new("import", "Import an image that was signed elsewhere with a key that the region trusts.") { id, product, file, signature, key, manifest, version, hardware });
        command.SetAction(async (parsed, cancel) =>
        {
            try
            {
                var body = new ImageBody(
                    parsed.GetValue(product)!, await ReadAsync(parsed.GetValue(file)!), await ReadAsync(parsed.GetValue(signature)!), parsed.GetValue(key)!,
                    parsed.GetValue(manifest) is { } signed ? await ReadAsync(signed) : null, parsed.GetValue(version), parsed.GetValue(hardware)?.Min,
                    parsed.GetValue(hardware)?.Max);
                return await SendAsync(call, console, parsed, parsed.GetValue(id)!, body, cancel);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return Fail(console, fault.Message);
            }

            Task<byte[]> ReadAsync(FileInfo from) => File.ReadAllBytesAsync(from.FullName, cancel);
        });
        return command;
    }

    private static Task<int> SendAsync(RegionCall call, IAnsiConsole console, ParseResult parsed, string id, ImageBody body, CancellationToken cancel) =>
        call.RunAsync(console, parsed, async http =>
        {
            using var content = JsonContent.Create(body);
            await content.LoadIntoBufferAsync(cancel);
            var text = await RegionCall.SendAsync(http, HttpMethod.Put, "api/firmware/images/" + Uri.EscapeDataString(id), content, cancel);
            call.Print(parsed, console, text, () => Print(console, [RegionCall.Read<ImageView>(text)]));
            return 0;
        }, cancel);

    private static Command Images(IAnsiConsole console)
    {
        var product = new Option<string?>("--product") { Description = "Only images for this product." };
        return Paged<ImageView>(
            console, new("images", "List images, newest first.") { product }, _ => "api/firmware/images", parsed => ("product", parsed.GetValue(product)), images => Print(console, images));
    }

    private static Command Remove(IAnsiConsole console)
    {
        var id = new Argument<string>("image") { Description = "Its id." };
        var call = new RegionCall();
        var command = call.On(new("remove", "Remove an image that no open rollout sends.") { id });
        command.SetAction((parsed, cancel) => call.CallAsync(
            parsed, console, HttpMethod.Delete, "api/firmware/images/" + Uri.EscapeDataString(parsed.GetValue(id)!), null, _ => console.WriteLine("Removed"), cancel));
        return command;
    }

    private static Command Place(IAnsiConsole console, TimeProvider time)
    {
        var image = new Option<string>("--image") { Description = "Id of the image.", Required = true };
        var id = IdOption("Its id: the same again is the same rollout. Default: made from image and time.");
        var site = new Option<string?>("--site") { Description = "Only devices at this site." };
        var tag = new Option<string?>("--tag") { Description = "Only devices with this tag." };
        var customer = new Option<string?>("--customer") { Description = "Only devices of this customer." };
        var devices = new Option<string[]?>("--device") { Description = "Only this device; several by several. Default: all of the product." };
        var waves = new Option<int[]?>("--waves")
        {
            Description = "How many percent of the devices are reached with each wave. Default: 1,10,50,100.",
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result =>
            {
                var numbers = new List<int>();
                foreach (var part in result.Tokens[0].Value.Split(','))
                    if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
                        numbers.Add(percent);
                    else
                        result.AddError($"--waves is \"{result.Tokens[0].Value}\"; it must be percentages such as 1,10,50,100.");
                return [.. numbers];
            },
        };
        var success = new Option<int>("--success") { Description = "Percent of a wave that must be done before the next one begins.", DefaultValueFactory = _ => 90 };
        var errors = new Option<int>("--errors") { Description = "Percent of a wave that may fail; with one more it pauses.", DefaultValueFactory = _ => 5 };
        var soak = new Option<int>("--soak") { Description = "Minutes that a wave must have been successful before the next one begins.", DefaultValueFactory = _ => 60 };
        var window = new Option<RolloutWindow?>("--window")
        {
            Description = "When devices may start it, by the clocks of their sites: 22:00-04:00. Default: at any time.",
            CustomParser = result =>
            {
                if (result.Tokens[0].Value.Split('-') is [var begins, var ends])
                    return new(begins, ends);
                result.AddError($"--window is \"{result.Tokens[0].Value}\"; it must be two times such as 22:00-04:00.");
                return null;
            },
        };
        var wait = new Option<bool>("--wait") { Description = "Show its progress until it is over, or has paused by itself. Exit code 1 when it was not done." };
        var call = new RegionCall();
        var command = call.On(new("rollout", "Bring an image to devices, wave by wave.") { image, site, tag, customer, devices, waves, success, errors, soak, window, id, wait });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var body = new RolloutBody(
                parsed.GetValue(image)!, parsed.GetValue(site), parsed.GetValue(tag), parsed.GetValue(customer), parsed.GetResult(devices) is null ? null : parsed.GetValue(devices),
                parsed.GetResult(waves) is null ? null : parsed.GetValue(waves), parsed.GetValue(success), parsed.GetValue(errors), parsed.GetValue(soak), parsed.GetValue(window));
            var place = PlaceOf(parsed.GetValue(id) ?? string.Create(CultureInfo.InvariantCulture, $"{body.Image}-{time.GetUtcNow():yyyyMMddHHmmss}"));
            var text = await RegionCall.SendAsync(http, HttpMethod.Put, place, JsonContent.Create(body), cancel);
            var rollout = RegionCall.Read<RolloutView>(text);
            for (var said = ""; parsed.GetValue(wait) && rollout.EndedAt is null && rollout.Reason is null;)
            {
                if (!call.IsRaw(parsed))
                    said = SayNew(console, said, rollout);
                await Task.Delay(Look, cancel);
                text = await RegionCall.GetTextAsync(http, place, cancel);
                rollout = RegionCall.Read<RolloutView>(text);
            }

            call.Print(parsed, console, text, () => Print(console, rollout));
            return !parsed.GetValue(wait) || rollout.Phase == "done" ? 0 : 1;
        }, cancel));
        return command;
    }

    private static Command Rollouts(IAnsiConsole console)
    {
        var phase = new Option<string?>("--phase") { Description = "Only rollouts in this phase." };
        phase.AcceptOnlyFromAmong([.. Core.Firmware.RolloutPhases.All]);
        return Paged<RolloutView>(
            console, new("rollouts", "List rollouts, newest first.") { phase }, _ => "api/firmware/rollouts", parsed => ("phase", parsed.GetValue(phase)),
            rollouts => TextTable.Write(console, RolloutColumns, rollouts.Select(Cells)));
    }

    private static Command Show(IAnsiConsole console, Argument<string> id)
    {
        var call = new RegionCall();
        var command = call.On(new("show", "Show a rollout with its waves and its newest failures.") { id });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var place = PlaceOf(parsed.GetValue(id)!);
            var text = await RegionCall.GetTextAsync(http, place, cancel);
            var failed = RegionCall.Read<PageView<TransferView>>(await RegionCall.GetTextAsync(http, place + "/transfers?phase=failed&limit=1000", cancel)).Items;
            call.Print(parsed, console, text, () =>
            {
                Print(console, RegionCall.Read<RolloutView>(text));
                if (failed.Count > 0)
                    Print(console, [.. failed.OrderByDescending(t => t.EndedAt).Take(FailuresShown)]);
            });
            return 0;
        }, cancel));
        return command;
    }

    private static Command Transfers(IAnsiConsole console, Argument<string> id)
    {
        var phase = new Option<string?>("--phase") { Description = "Only transfers in this phase." };
        phase.AcceptOnlyFromAmong([.. Core.Firmware.TransferPhases.All]);
        return Paged<TransferView>(
            console, new("transfers", "List the transfers of a rollout, in the order of their devices' ids.") { id, phase }, parsed => PlaceOf(parsed.GetValue(id)!) + "/transfers",
            parsed => ("phase", parsed.GetValue(phase)), transfers => Print(console, transfers));
    }

    private static Command Steer(string name, string description, IAnsiConsole console, Argument<string> id)
    {
        var call = new RegionCall();
        var command = call.On(new(name, description) { id });
        command.SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            var text = await RegionCall.SendAsync(http, HttpMethod.Post, $"{PlaceOf(parsed.GetValue(id)!)}/{name}", null, cancel);
            call.Print(parsed, console, text, () => Print(console, RegionCall.Read<RolloutView>(text)));
            return 0;
        }, cancel));
        return command;
    }

    /// <summary>A command that lists, page by page.</summary>
    private static Command Paged<T>(
        IAnsiConsole console, Command command, Func<ParseResult, string> path, Func<ParseResult, (string Name, string? Value)> filter, Action<IReadOnlyList<T>> show)
    {
        var limit = new Option<int>("--limit") { Description = "How many to list at most, 1 to 1000.", DefaultValueFactory = _ => 100 };
        var after = new Option<string?>("--after") { Description = "Go on where the page before says." };
        command.Add(limit);
        command.Add(after);
        var call = new RegionCall();
        call.On(command).SetAction((parsed, cancel) => call.RunAsync(console, parsed, async http =>
        {
            (string Name, string? Value)[] query = [filter(parsed), ("cursor", parsed.GetValue(after)), ("limit", parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture))];
            var given = string.Join('&', query.Where(q => q.Value is not null).Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value!)}"));
            var text = await RegionCall.GetTextAsync(http, $"{path(parsed)}?{given}", cancel);
            call.Print(parsed, console, text, () =>
            {
                var page = RegionCall.Read<PageView<T>>(text);
                show(page.Items);
                if (page.Next is { } next)
                    console.MarkupLineInterpolated($"There are more: --after {next}");
            });
            return 0;
        }, cancel));
        return command;
    }

    private static string PlaceOf(string rollout) => "api/firmware/rollouts/" + Uri.EscapeDataString(rollout);

    /// <summary>Where a rollout stands, unless that was said before.</summary>
    private static string SayNew(IAnsiConsole console, string said, RolloutView rollout)
    {
        var waves = rollout.Waves ?? [];
        var now = string.Create(
            CultureInfo.InvariantCulture,
            $"{rollout.Phase}, wave {rollout.Wave} of {rollout.Percents.Count}: {waves.Sum(w => w.Done)} of {rollout.Devices} done, {waves.Sum(w => w.Failed)} failed");
        if (now != said)
            console.Profile.Out.Writer.WriteLine(now);
        return now;
    }

    private static void Print(IAnsiConsole console, IReadOnlyList<ImageView> images) => TextTable.Write(console, ImageColumns, images.Select(i => new[]
    {
        i.Id, i.Product, i.Version, $"{i.HardwareMin}-{i.HardwareMax}", Number(i.SizeBytes), Number(i.Chunks), i.KeyId, Time(i.ImportedAt),
    }));

    private static void Print(IAnsiConsole console, RolloutView rollout)
    {
        TextTable.Write(console, RolloutColumns, [Cells(rollout)]);
        TextTable.Write(console, WaveColumns, (rollout.Waves ?? []).Select(w => new[]
        {
            Number(w.Wave), Number(w.Percent), w.Begun ? "yes" : "no", Number(w.Devices), Number(w.Done), Number(w.Failed), Number(w.Cancelled), Number(w.Open),
        }));
    }

    private static void Print(IAnsiConsole console, IReadOnlyList<TransferView> transfers) => TextTable.Write(console, TransferColumns, transfers.Select(t => new[]
    {
        t.Device, Number(t.Wave), t.Phase, t.Chunks is { } chunks ? $"{Number(t.Stored)} of {Number(chunks)}" : Number(t.Stored), t.Percent is { } percent ? Number(percent) : "",
        Number(t.Restarts), t.Reason ?? "", Time(t.StartedAt), Time(t.EndedAt), Time(t.DueAt),
    }));

    private static string[] Cells(RolloutView r) =>
        [r.Id, r.Image, r.Version, Number(r.Devices), r.Phase, $"{Number(r.Wave)} of {Number(r.Percents.Count)}", r.Reason ?? "", r.By, Time(r.CreatedAt), Time(r.EndedAt)];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static Option<string> ProductOption() => new("--product") { Description = "The product that it is for.", Required = true };

    private static Option<string?> VersionOption() => new("--version") { Description = "As the device says it when it runs: 2.15.0." };

    private static Option<string?> IdOption(string description) => new("--id") { Description = description };

    private static Option<(int Min, int Max)?> HardwareOption() => new("--hardware")
    {
        Description = "Hardware revisions that take it: 1-9, or 3. Default of an image that is made: all.",
        CustomParser = result =>
        {
            var parts = result.Tokens[0].Value.Split('-');
            if (parts.Length <= 2 && ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var min)
                && ushort.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var max) && min <= max)
                return (min, max);
            result.AddError($"--hardware is \"{result.Tokens[0].Value}\"; it must be a revision or two, such as 1-9.");
            return null;
        },
    };

    private static int Fail(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
