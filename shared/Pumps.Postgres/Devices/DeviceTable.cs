using Dapper;
using Npgsql;
using Pumps.Core.Devices;
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

    public async Task<DeviceChanged> ChangeAsync(string deviceId, DeviceChange change, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var changed = await session.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
            Sql.UpdateDevice,
            new { id = deviceId, change.Site, tags = change.Tags?.ToArray(), status = change.Status?.Name(), change.Model, change.Firmware },
            cancellationToken: cancel));
        if (changed is not null)
            return DeviceChanged.Done;

        var keys = await session.QueryAsync(new CommandDefinition(Sql.SelectDeviceKeys, new { ids = new[] { deviceId } }, cancellationToken: cancel));
        return keys.Any() ? DeviceChanged.UnknownSite : DeviceChanged.UnknownDevice;
    }

    public async Task<IReadOnlyList<Ownership>> ListOwnersAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<(string Customer, DateTime From, DateTime? To)>(
            new CommandDefinition(Sql.ListOwners, new { id = deviceId }, cancellationToken: cancel));
        return [.. rows.Select(r => new Ownership(r.Customer, r.From, r.To))];
    }
}
