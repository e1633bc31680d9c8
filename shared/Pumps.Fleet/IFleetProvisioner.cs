using System.Net.Http.Json;
using Pumps.Core.Protocols;
using Pumps.Fleet.Mqtt;

namespace Pumps.Fleet;

/// <summary>Gives devices their identity, through the same door as any tool. Safe to repeat: a device that exists keeps its keys.</summary>
public interface IFleetProvisioner
{
    /// <returns>Credentials of every device, by device id.</returns>
    Task<IReadOnlyDictionary<string, DeviceCredentials>> RegisterAsync(IReadOnlyList<DeviceSpec> devices, CancellationToken cancel);
}

/// <summary>Registers devices by <c>POST /api/devices</c> of the portal API.</summary>
/// <param name="http">Its base address is the portal's; whatever proves the caller's role is in its default headers.</param>
public sealed class HttpProvisioner(HttpClient http) : IFleetProvisioner
{
    /// <summary>The API takes at most this many in one list.</summary>
    private const int ListMax = 1000;

    public async Task<IReadOnlyDictionary<string, DeviceCredentials>> RegisterAsync(IReadOnlyList<DeviceSpec> devices, CancellationToken cancel)
    {
        var credentials = new Dictionary<string, DeviceCredentials>(devices.Count);
        foreach (var list in devices.Chunk(ListMax))
        {
            using var response = await http.PostAsJsonAsync("api/devices", list.Select(Order), cancel);
            if (!response.IsSuccessStatusCode)
                throw new HttpRequestException(
                    $"registering {list.Length} devices at {response.RequestMessage?.RequestUri} was answered {(int)response.StatusCode}: " +
                    await response.Content.ReadAsStringAsync(cancel), null, response.StatusCode);

            var answer = await response.Content.ReadFromJsonAsync<Registered>(cancel)
                ?? throw new InvalidDataException("the answer to POST /api/devices is empty");
            foreach (var item in answer.Items)
            {
                if (item.Device is not { } device)
                    throw new InvalidDataException(
                        $"device {item.Id} was refused: {string.Join("; ", (item.Errors ?? []).Select(e => $"{e.Rule} ({e.Parameter}: {e.Allowed})"))}");
                credentials[item.Id] = DeviceCredentials.Parse(device.ConnectionString);
            }
        }

        return credentials;
    }

    private static NewDevice Order(DeviceSpec spec) =>
        new(spec.Id, spec.Product.Name(), spec.Customer, spec.Protocol is Protocol.Dp1 ? spec.UtcOffsetMinutes : null);

    private sealed record NewDevice(string Id, string Product, string Customer, int? UtcOffsetMinutes);

    private sealed record Registered(IReadOnlyList<Item> Items);

    private sealed record Item(string Id, Device? Device, IReadOnlyList<Fault>? Errors);

    private sealed record Device(string ConnectionString);

    private sealed record Fault(string Rule, string Parameter, string Allowed);
}
