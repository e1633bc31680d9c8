using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>
/// The local region's identities, as IoT Hub's registry keeps them: in one SQLite file, and in memory for everything that connections and
/// messages ask. Also the file of twins and cloud-to-device queues, which the gateway works on.
/// </summary>
public sealed class DeviceRegistry : IDeviceRegistry, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, DeviceEntry> _devices = new(StringComparer.Ordinal);

    private DeviceRegistry(RegistryFile file) => File = file;

    public int Count => _devices.Count;

    internal RegistryFile File { get; }

    /// <summary>Opens the file, or creates it, and reads the identities.</summary>
    public static async Task<DeviceRegistry> OpenAsync(string file, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        if (!OperatingSystem.IsWindows() && !System.IO.File.Exists(file))
        {
            // The file holds keys. SQLite gives its companions the same mode.
            await using var created = new FileStream(
                file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        }

        var registry = new DeviceRegistry(new RegistryFile(file));
        foreach (var entry in await registry.File.RunAsync(f => f.Query("list_devices", ReadEntry), null, cancel))
            registry._devices[entry.Id] = entry;
        return registry;
    }

    public async Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, CancellationToken cancel) =>
        (await RegisterAsync([device], cancel))[0];

    /// <summary>Registers many devices in one transaction; see the other overload.</summary>
    public async Task<IReadOnlyList<RegisteredDevice>> RegisterAsync(IReadOnlyList<DeviceRegistration> devices, CancellationToken cancel)
    {
        foreach (var device in devices)
            Check(device.Id);

        var registered = await File.RunAsync(
            file => devices.Select(d => Upsert(file, d)).ToList(),
            entries =>
            {
                foreach (var entry in entries)
                    if (_devices.TryGetValue(entry.Id, out var known)) known.Registration = entry.Registration;
                    else _devices[entry.Id] = entry;
            },
            cancel);
        return registered.ConvertAll(e => e.ToRegistered());
    }

    public Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel) =>
        Task.FromResult(_devices.TryGetValue(deviceId, out var entry) ? entry.ToRegistered() : null);

    /// <summary>Removes the identity, its twin and its queue; a connected device is disconnected.</summary>
    public Task<bool> RemoveAsync(string deviceId, CancellationToken cancel) => File.RunAsync(
        file => file.Execute("delete_device", ("@id", deviceId)) > 0,
        removed =>
        {
            if (removed && _devices.TryRemove(deviceId, out var entry)) entry.Enabled = false;
        },
        cancel);

    /// <summary>A disabled device cannot connect, and a connected one is disconnected.</summary>
    /// <returns>False when there was no such device.</returns>
    public Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel) => File.RunAsync(
        file => file.Execute("set_enabled", ("@id", deviceId), ("@enabled", enabled)) > 0,
        changed =>
        {
            if (changed && _devices.TryGetValue(deviceId, out var entry)) entry.Enabled = enabled;
        },
        cancel);

    /// <summary>
    /// Makes a new primary key; the old one becomes the secondary, so that the device can connect until it has been told.
    /// Connections stay until their token runs out, as with IoT Hub.
    /// </summary>
    /// <returns>The device with its new keys; null when there was no such device.</returns>
    public async Task<RegisteredDevice?> RotateKeysAsync(string deviceId, CancellationToken cancel)
    {
        if (!TryGet(deviceId, out var entry)) return null;
        byte[] keys = [.. DeviceEntry.NewKeys().AsSpan(0, DeviceEntry.KeyBytes), .. entry.Keys.AsSpan(0, DeviceEntry.KeyBytes)];
        var changed = await File.RunAsync(
            file => file.Execute("set_keys", ("@id", deviceId), ("@keys", keys)) > 0,
            changed =>
            {
                if (changed) entry.Keys = keys;
            },
            cancel);
        return changed ? entry.ToRegistered() : null;
    }

    /// <summary>Gives a device the keys with which it has registered.</summary>
    /// <returns>False when there was no such device.</returns>
    internal Task<bool> AdoptKeysAsync(string deviceId, byte[] keys, CancellationToken cancel) =>
        TryGet(deviceId, out var entry) && entry.Keys.AsSpan().SequenceEqual(keys)
            ? Task.FromResult(true)
            : File.RunAsync(
                file => file.Execute("set_keys", ("@id", deviceId), ("@keys", keys)) > 0,
                changed =>
                {
                    if (changed && TryGet(deviceId, out var known)) known.Keys = keys;
                },
                cancel);

    internal bool TryGet(string deviceId, [NotNullWhen(true)] out DeviceEntry? entry) => _devices.TryGetValue(deviceId, out entry);

    internal Task KeepSubscriptionsAsync(DeviceEntry entry, Subscriptions subscriptions, CancellationToken cancel) =>
        entry.Subscriptions == subscriptions
            ? Task.CompletedTask
            : File.RunAsync(
                file => file.Execute("set_subscriptions", ("@id", entry.Id), ("@subscriptions", (int)subscriptions)),
                _ => entry.Subscriptions = subscriptions,
                cancel);

    public ValueTask DisposeAsync() => File.DisposeAsync();

    private static DeviceEntry Upsert(RegistryFile file, DeviceRegistration device) => file.Query(
        "upsert_device",
        row => new DeviceEntry(Interned(device), (byte[])row[0], row.GetBoolean(1), (Subscriptions)row.GetInt32(2)),
        ("@id", device.Id), ("@protocol", device.Protocol), ("@offering", device.Offering), ("@product", device.Product),
        ("@customer", device.Customer), ("@region", device.Region), ("@utcOffset", device.UtcOffsetMinutes), ("@keys", DeviceEntry.NewKeys()))[0];

    private static DeviceEntry ReadEntry(SqliteDataReader row) => new(
        Interned(new(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5),
            row.IsDBNull(6) ? null : row.GetInt32(6))),
        (byte[])row[7], row.GetBoolean(8), (Subscriptions)row.GetInt32(9));

    // A hundred thousand devices share a few protocols, offerings, products and regions.
    private static DeviceRegistration Interned(DeviceRegistration device) => device with
    {
        Protocol = string.Intern(device.Protocol),
        Offering = string.Intern(device.Offering),
        Product = string.Intern(device.Product),
        Customer = string.Intern(device.Customer),
        Region = string.Intern(device.Region),
    };

    /// <summary>IoT Hub's rule for device ids, without those characters that a topic or a token would have to escape.</summary>
    internal static bool IsId(string text) => text.Length is > 0 and <= IdLengthMax && !text.AsSpan().ContainsAnyExcept(IdCharacters);

    private static void Check(string deviceId)
    {
        if (!IsId(deviceId))
            throw new ArgumentException($"The device id '{deviceId}' is not of 1 to {IdLengthMax} letters, digits, '-', '.', '_' or ':'.", nameof(deviceId));
    }

    private const int IdLengthMax = 128;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:");
}
