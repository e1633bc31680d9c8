using Dapper;
using Npgsql;
using Pumps.Handlers.Devices;

namespace Pumps.Postgres;

/// <summary>What provisioning knows of devices, for lists and for the customer's walls.</summary>
public sealed class DeviceTable(NpgsqlDataSource database) : IDeviceDirectory
{
    public async Task StoreAsync(DeviceRegistration device, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(
            Sql.UpsertDevice, new { device.Id, device.Protocol, device.Offering, device.Product, device.Customer }, cancellationToken: cancel));
    }
}
