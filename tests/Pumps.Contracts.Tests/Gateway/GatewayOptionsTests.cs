using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class GatewayOptionsTests
{
    private static IEnumerable<TestCaseData> Outside()
    {
        var good = new GatewayOptions { DataFolder = "unused" };
        yield return new(good with { DataFolder = "" }, nameof(GatewayOptions.DataFolder));
        yield return new(good with { TlsPort = 65536 }, nameof(GatewayOptions.TlsPort));
        yield return new(good with { PlainPort = -1 }, nameof(GatewayOptions.PlainPort));
        yield return new(good with { ConnectionsMax = 0 }, nameof(GatewayOptions.ConnectionsMax));
        yield return new(good with { ConnectTimeout = TimeSpan.Zero }, nameof(GatewayOptions.ConnectTimeout));
        yield return new(good with { TwinRequestsPerSecond = 0 }, nameof(GatewayOptions.TwinRequestsPerSecond));
    }

    [TestCaseSource(nameof(Outside))]
    public async Task A_value_outside_its_bounds_stops_the_start_and_is_named(GatewayOptions options, string name)
    {
        var folder = Directory.CreateTempSubdirectory("pumps-options-").FullName;
        await using (var registry = await DeviceRegistry.OpenAsync(Path.Combine(folder, "registry.db"), default))
            Assert.That(
                () => new IotGateway(options, registry, (_, _) => ValueTask.CompletedTask, TimeProvider.System, NullLogger<IotGateway>.Instance),
                Throws.TypeOf<ValidationException>().With.Message.Contains(name));
        Directory.Delete(folder, true);
    }
}
