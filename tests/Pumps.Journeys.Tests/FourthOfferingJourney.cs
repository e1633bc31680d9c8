using System.Text.Json;
using Pumps.Handlers.Offerings;

namespace Pumps.Journeys.Tests;

/// <summary>An offering that needs no logic of its own is a handful of catalog files, and nothing else.</summary>
[NonParallelizable]
public sealed class FourthOfferingJourney
{
    private const string Device = "dp2-00a1b2c3d4e50901";

    [Test]
    public async Task An_offering_that_was_added_as_catalog_files_takes_a_frame_to_latest_and_history()
    {
        var catalog = RunningRegion.NewFolder();
        Copy(CatalogLoader.DefaultFolder, catalog);
        try
        {
            await AddOfferingAsync(catalog);
            await using var region = await HostedRegion.StartAsync(options => options with { CatalogFolder = catalog });
            var at = TimeProvider.System.GetUtcNow().AddMinutes(-1);
            var credentials = await region.RegisterAsync(Device, "district-heater");
            await using (var device = await FieldDevice.ConnectAsync(region.Mqtt, credentials))
                await device.SendAsync("telemetry", TestFrames.Telemetry(Device, 7, at, 0x0401, 1, points => points.Decimal(16, 715, -1)));
            await region.SettleAsync();

            var shown = await region.GetAsync($"api/devices/{Device}");
            var latest = shown.GetProperty("latest").GetProperty("supply_temp");
            var history = await region.GetAsync($"api/devices/{Device}/history/supply_temp");
            var heating = await region.GetAsync("api/devices?offering=heating");
            Assert.Multiple(() =>
            {
                Assert.That(shown.GetProperty("offering").GetString(), Is.EqualTo("heating"));
                Assert.That(latest.GetProperty("value").GetRawText(), Is.EqualTo("71.5"));
                Assert.That(latest.GetProperty("unit").GetString(), Is.EqualTo("Cel"));
                Assert.That(history.GetProperty("points").EnumerateArray().Select(p => p.GetProperty("value").GetRawText()), Is.EqualTo(new[] { "71.5" }));
                Assert.That(heating.GetProperty("items").EnumerateArray().Select(d => d.GetProperty("id").GetString()), Is.EqualTo(new[] { Device }));
            });
        }
        finally
        {
            Directory.Delete(catalog, recursive: true);
        }
    }

    private static async Task AddOfferingAsync(string catalog)
    {
        await WriteAsync("offerings/heating.json", new
        {
            id = "heating",
            name = "District heating",
            description = "Circulation pumps of heating networks.",
        });
        await WriteAsync("dictionaries/0401-heating.json", new
        {
            id = 0x0401,
            revision = 1,
            name = "district-heater",
            offering = "heating",
            states = (object?)null,
            points = new[]
            {
                new { id = 16, name = "supply_temp", type = "decimal", unit = "Cel", since = 1, access = "r", exponent = -1, min = "-40", max = "200", description = "" },
            },
            events = Array.Empty<object>(),
            commands = Array.Empty<object>(),
        });
        await WriteAsync("products/district-heater.json", new
        {
            id = "district-heater",
            name = "District heater",
            offering = "heating",
            protocol = "dp2",
            dictionary = 0x0401,
            models = new[] { "DH-*" },
            reportIntervalSeconds = 60,
            counters = Array.Empty<object>(),
        });

        Task WriteAsync(string file, object content) => File.WriteAllTextAsync(Path.Combine(catalog, file), JsonSerializer.Serialize(content));
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
