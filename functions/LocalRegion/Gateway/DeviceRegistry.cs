using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Nodes;
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

    /// <summary>A registration has changed the desired properties of a device: the twin after it, and the patch.</summary>
    internal Action<DeviceTwin, string>? DesiredChanged { get; set; }

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

    public Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, CancellationToken cancel) => RegisterAsync(device, null, cancel);

    public async Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, string? desired, CancellationToken cancel)
    {
        Check(device.Id);
        var patch = desired is null ? null : ReadDesired(desired);
        var (registered, _) = await File.RunAsync(
            file => (Entry: Upsert(file, device), Twin: patch is null ? null : Twins.Merge(file, device.Id, patch)),
            done =>
            {
                Keep(done.Entry);
                if (done.Twin is { } changed) DesiredChanged?.Invoke(changed, patch!.ToJsonString());
            },
            cancel);
        return registered.ToRegistered();
    }

    /// <summary>Registers many devices in one transaction; see the other overload.</summary>
    public async Task<IReadOnlyList<RegisteredDevice>> RegisterAsync(IReadOnlyList<DeviceRegistration> devices, CancellationToken cancel)
    {
        foreach (var device in devices)
            Check(device.Id);

        var registered = await File.RunAsync(file => devices.Select(d => Upsert(file, d)).ToList(), entries => entries.ForEach(Keep), cancel);
        return registered.ConvertAll(e => e.ToRegistered());
    }

    public Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel) =>
        Task.FromResult(_devices.TryGetValue(deviceId, out var entry) ? entry.ToRegistered() : null);

    public Task<DeviceRegistration?> FindTagsAsync(string deviceId, CancellationToken cancel) =>
        Task.FromResult(_devices.TryGetValue(deviceId, out var entry) ? entry.Registration : null);

    public Task<bool> RemoveAsync(string deviceId, CancellationToken cancel) => File.RunAsync(
        file => file.Execute("delete_device", ("@id", deviceId)) > 0,
        removed =>
        {
            if (removed && _devices.TryRemove(deviceId, out var entry)) entry.Enabled = false;
        },
        cancel);

    public Task<bool> UpdateTagsAsync(string deviceId, TagChange change, CancellationToken cancel) => ChangeAsync(
        file => file.Query(
            "set_tags", ReadRegistration,
            ("@id", deviceId), ("@protocol", change.Protocol), ("@offering", change.Offering), ("@product", change.Product),
            ("@customer", change.Customer), ("@region", change.Region), ("@utcOffset", change.UtcOffsetMinutes)),
        (entry, registration) => entry.Registration = registration, deviceId, cancel);

    public Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel) => ChangeAsync(
        file => file.Query("set_enabled", row => row.GetBoolean(0), ("@id", deviceId), ("@enabled", enabled)),
        (entry, now) => entry.Enabled = now, deviceId, cancel);

    public Task<bool> SetKeyAsync(string deviceId, DeviceKeySlot slot, string key, CancellationToken cancel)
    {
        var fresh = DeviceKey.Read(key);
        return ChangeAsync(
            file =>
            {
                var found = file.Query("read_keys", row => (byte[])row[0], ("@id", deviceId));
                foreach (var keys in found)
                {
                    fresh.CopyTo(keys, slot is DeviceKeySlot.Primary ? 0 : DeviceKey.Bytes);
                    file.Execute("set_keys", ("@id", deviceId), ("@keys", keys));
                    file.Execute("mark_replaced", ("@id", deviceId));
                }

                return found;
            },
            (entry, keys) => (entry.Keys, entry.KeysReplaced) = (keys, true), deviceId, cancel);
    }

    /// <summary>Gives a device that has registered the keys of its enrollment, unless one was replaced since. Safe to repeat.</summary>
    /// <param name="keys">Primary, then secondary.</param>
    /// <returns>False when there is no such device.</returns>
    internal async Task<bool> AdoptKeysAsync(string deviceId, byte[] keys, CancellationToken cancel) =>
        (TryGet(deviceId, out var device) && (device.KeysReplaced || device.Keys.AsSpan().SequenceEqual(keys)))
        || await ChangeAsync(
            file => file.Query("adopt_keys", row => (byte[])row[0], ("@id", deviceId), ("@keys", keys)), (entry, now) => entry.Keys = now, deviceId, cancel);

    public Task<IReadOnlyList<string>> ListUntaggedAsync(int limit, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>(
        [.. _devices.Values.Where(d => d.Registration is { Protocol: "" } or { Offering: "" }).Select(d => d.Id).Take(limit)]);

    internal bool TryGet(string deviceId, [NotNullWhen(true)] out DeviceEntry? entry) => _devices.TryGetValue(deviceId, out entry);

    internal Task KeepSubscriptionsAsync(DeviceEntry entry, Subscriptions subscriptions, CancellationToken cancel) =>
        entry.Subscriptions == subscriptions
            ? Task.CompletedTask
            : File.RunAsync(
                file => file.Execute("set_subscriptions", ("@id", entry.Id), ("@subscriptions", (int)subscriptions)),
                _ => entry.Subscriptions = subscriptions,
                cancel);

    public ValueTask DisposeAsync() => File.DisposeAsync();

    /// <summary>Changes a device's row, and then what the memory holds of it: from the row as it has become, since changes may share a transaction.</summary>
    private async Task<bool> ChangeAsync<T>(Func<RegistryFile, List<T>> change, Action<DeviceEntry, T> remember, string deviceId, CancellationToken cancel) =>
        await File.RunAsync(
            change,
            changed =>
            {
                if (changed is [var now] && _devices.TryGetValue(deviceId, out var entry)) remember(entry, now);
            },
            cancel) is [_];

    private void Keep(DeviceEntry entry)
    {
        if (_devices.TryGetValue(entry.Id, out var known)) known.Registration = entry.Registration;
        else _devices[entry.Id] = entry;
    }

    private static DeviceEntry Upsert(RegistryFile file, DeviceRegistration device) => file.Query(
        "upsert_device",
        row => new DeviceEntry(Interned(device), (byte[])row[0], row.GetBoolean(1), (Subscriptions)row.GetInt32(2)),
        ("@id", device.Id), ("@protocol", device.Protocol), ("@offering", device.Offering), ("@product", device.Product),
        ("@customer", device.Customer), ("@region", device.Region), ("@utcOffset", device.UtcOffsetMinutes), ("@keys", DeviceEntry.NewKeys()))[0];

    private static DeviceEntry ReadEntry(SqliteDataReader row) => new(
        ReadRegistration(row), (byte[])row[7], row.GetBoolean(8), (Subscriptions)row.GetInt32(9), row.GetBoolean(10));

    private static DeviceRegistration ReadRegistration(SqliteDataReader row) => Interned(new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5),
        row.IsDBNull(6) ? null : row.GetInt32(6)));

    private static JsonObject ReadDesired(string desired) =>
        TwinDocument.TryParse(Encoding.UTF8.GetBytes(desired), out var fault) ?? throw new ArgumentException(fault, nameof(desired));

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
