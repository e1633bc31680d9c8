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
        var row = await session.QuerySingleOrDefaultAsync<(string Offering, string Product, string Customer, string Status, string? Site, string[]? Tags)?>(
            new CommandDefinition(Sql.FindDeviceRow, new { id = deviceId }, cancellationToken: cancel));
        return row is { } r ? new(r.Offering, r.Product, r.Customer, r.Status, r.Site, r.Tags) : null;
    }

    public async Task<int> CountAsync(string customer, string orderId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<int>(new CommandDefinition(Sql.CountDevices, new { customer, order = orderId }, cancellationToken: cancel));
    }

    public Task KeepAsync(DeviceRegistration device, string? status, string? site, CancellationToken cancel) =>
        ExecuteAsync(Sql.KeepDeviceRow, new { device.Id, device.Protocol, device.Offering, device.Product, device.Customer, status, site }, cancel);

    public async Task<bool> MarkAsync(string deviceId, string status, CancellationToken cancel) =>
        await ExecuteAsync(Sql.MarkDevice, new { id = deviceId, status }, cancel) > 0;

    public Task RestoreAsync(string deviceId, RowBefore? before, bool withSite, CancellationToken cancel) => before is null
        ? ExecuteAsync(Sql.WithdrawDevice, new { id = deviceId }, cancel)
        : ExecuteAsync(Sql.RestoreDeviceRow, new
        {
            id = deviceId,
            protocol = deviceId.Split('-')[0],
            before.Offering,
            before.Product,
            before.Customer,
            before.Status,
            before.Site,
            tags = before.Tags?.ToArray(),
            with_site = withSite,
        }, cancel);

    public Task LookAtClockAsync(string deviceId, CancellationToken cancel) => ExecuteAsync(Sql.LookAtClock, new { id = deviceId }, cancel);

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
