using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using Pumps.Core.Protocols;
using Pumps.Fleet.Mqtt;

namespace Pumps.Fleet;

/// <summary>Gives devices their identity as those of customers get it: one bulk order, then each registers with the provisioning service. Their first frame is the hello.</summary>
/// <remarks>A bulk order that is there goes on: the same fleet again orders nothing, and a larger one of the same seed orders what is new.</remarks>
/// <param name="http">Its base address is the portal's; whatever proves the caller's role is in its default headers.</param>
/// <param name="connection">Where the provisioning service is; the hub that it names is reached there, too.</param>
/// <param name="keyOf">A device's own key of the enrollment group, base64, by its id: what a factory has given it.</param>
public sealed class OrderProvisioner(
    HttpClient http, FleetConnection connection, string idScope, Func<string, string> keyOf, string bulkOrder, TimeProvider time) : IFleetProvisioner
{
    // A registration is mostly waiting: for whole seconds, as the protocol has it.
    private const int AtOnce = 64;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private Uri Order { get; } = new($"api/bulk-orders/{bulkOrder}", UriKind.Relative);

    public async Task<IReadOnlyDictionary<string, DeviceCredentials>> RegisterAsync(IReadOnlyList<DeviceSpec> devices, CancellationToken cancel)
    {
        await OrderAsync(devices, cancel);
        var registration = new Registration(connection, connection.Authorities(), idScope, time);
        var credentials = new ConcurrentDictionary<string, DeviceCredentials>();
        await Parallel.ForEachAsync(devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel },
            async (device, stop) => credentials[device.Id] = await registration.RunAsync(device.Id, keyOf(device.Id), stop));
        return credentials;
    }

    private async Task OrderAsync(IReadOnlyList<DeviceSpec> devices, CancellationToken cancel)
    {
        var csv = new StringBuilder("device,product,customer,utc_offset_minutes\n");
        foreach (var device in devices)
            csv.Append(CultureInfo.InvariantCulture,
                $"{device.Id},{device.Product.Name()},{device.Customer},{(device.Protocol is Protocol.Dp1 ? device.UtcOffsetMinutes : null as int?)}\n");

        using (var content = new StringContent(csv.ToString(), Encoding.UTF8, "text/csv"))
        using (var answer = await http.PutAsync(Order, content, cancel))
            if (!answer.IsSuccessStatusCode)
                throw new HttpRequestException(
                    $"ordering {devices.Count} devices at {answer.RequestMessage?.RequestUri} was answered {(int)answer.StatusCode}: " +
                    await answer.Content.ReadAsStringAsync(cancel), null, answer.StatusCode);

        while (true)
        {
            var bulk = await http.GetFromJsonAsync<Bulk>(Order, cancel) ?? throw new InvalidDataException($"the answer to GET {Order} is empty");
            if (bulk.Refused + bulk.Duplicate > 0)
                throw new InvalidDataException($"of {bulk.Lines} lines {bulk.Refused} were refused and {bulk.Duplicate} are duplicates; their receipts: {Order}/lines");
            if (!bulk.Phases.ContainsKey("doing"))
                return;
            await Task.Delay(LookEvery, time, cancel);
        }
    }

    private sealed record Bulk(int Lines, int Refused, int Duplicate, IReadOnlyDictionary<string, int> Phases);
}
