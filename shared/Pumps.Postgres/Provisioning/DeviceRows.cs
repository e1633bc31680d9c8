using System.Text.Json;
using Dapper;
using Npgsql;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Postgres;

/// <summary>The device table as orders change it, and what they made of devices.</summary>
public sealed class DeviceRows(NpgsqlDataSource database) : IDeviceRows, IDeviceTargets
{
    public async Task<RowBefore?> FindAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.QuerySingleOrDefaultAsync<RowBefore>(new CommandDefinition(Sql.FindDeviceRow, new { id = deviceId }, cancellationToken: cancel));
    }

    public async Task<int> CountAsync(string customer, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<int>(new CommandDefinition(Sql.CountDevices, new { customer }, cancellationToken: cancel));
    }

    public Task KeepAsync(DeviceRegistration device, string? status, CancellationToken cancel) =>
        ExecuteAsync(Sql.KeepDeviceRow, new { device.Id, device.Protocol, device.Offering, device.Product, device.Customer, status }, cancel);

    public async Task<bool> MarkAsync(string deviceId, string status, CancellationToken cancel) =>
        await ExecuteAsync(Sql.MarkDevice, new { id = deviceId, status }, cancel) > 0;

    public Task RestoreAsync(string deviceId, RowBefore? before, CancellationToken cancel) => before is null
        ? ExecuteAsync(Sql.WithdrawDevice, new { id = deviceId }, cancel)
        : ExecuteAsync(Sql.KeepDeviceRow,
            new { id = deviceId, protocol = deviceId.Split('-')[0], before.Offering, before.Product, before.Customer, before.Status }, cancel);

    async Task<DeviceRegistration?> IDeviceTargets.FindAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var target = await session.ExecuteScalarAsync<string?>(new CommandDefinition(Sql.FindDeviceTarget, new { device = deviceId }, cancellationToken: cancel));
        return target is null ? null : JsonSerializer.Deserialize<DeviceRegistration>(target, OrderTable.Json);
    }

    private async Task<int> ExecuteAsync(string sql, object parameters, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancel));
    }
}
