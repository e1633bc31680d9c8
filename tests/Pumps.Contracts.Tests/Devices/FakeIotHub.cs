using System.Text.Json.Nodes;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Devices.Common.Exceptions;
using Microsoft.Azure.Devices.Shared;
using Newtonsoft.Json;

namespace Pumps.Contracts.Tests.Devices;

/// <summary>
/// An IoT Hub in memory behind the service SDK's own classes, which are made to be derived from. It does what the documentation and the SDK's
/// source say of errors, etags and versions; it has no opinion of the adapter's.
/// </summary>
internal sealed class FakeIotHub
{
    private const int TwinSectionBytes = 32 * 1024;
    private const int QueueMax = 50;
    private const int MessageBytes = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _devices = new(StringComparer.Ordinal);
    private int _etag;

    public FakeIotHub() => (Registry, Service) = (new(this), new(this));

    public FakeRegistryManager Registry { get; }

    public FakeServiceClient Service { get; }

    /// <summary>How many times an identity was read.</summary>
    public int IdentityReads { get; private set; }

    /// <summary>Called before a device or a twin is written: where another writer is faster.</summary>
    public Action<string>? BeforeWrite { get; set; }

    /// <summary>Answers a device's direct methods; a device without one is offline.</summary>
    public Dictionary<string, Func<CloudToDeviceMethod, CloudToDeviceMethodResult>> Online { get; } = [];

    public long DesiredVersion(string id) => _devices[id].DesiredVersion;

    public IReadOnlyList<Message> Queue(string id) => _devices[id].Queue;

    private string NextEtag() => $"AAAA{++_etag}";

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
            if (value is null) target.Remove(name);
            else if (value is not JsonObject inner) target[name] = value.DeepClone();
            else
            {
                if (target[name] is not JsonObject existing) target[name] = existing = [];
                Merge(existing, inner);
            }
    }

    private sealed class Entry
    {
        public string Etag { get; set; } = "";
        public string TwinEtag { get; set; } = "";
        public DeviceStatus Status { get; set; }
        public (string Primary, string Secondary) Keys { get; set; }
        public JsonObject Tags { get; set; } = [];
        public JsonObject Desired { get; set; } = [];
        public long DesiredVersion { get; set; } = 1;
        public List<Message> Queue { get; } = [];

        public Twin ToTwin(string id)
        {
            var desired = Desired.DeepClone().AsObject();
            desired["$version"] = DesiredVersion;
            return new Twin(id)
            {
                ETag = TwinEtag, Tags = new(Tags.ToJsonString()), Properties = new() { Desired = new(desired.ToJsonString()), Reported = new("""{"$version":1}""") },
            };
        }
    }

    internal sealed class FakeRegistryManager(FakeIotHub hub) : RegistryManager
    {
        public override Task<Device?> GetDeviceAsync(string deviceId, CancellationToken cancellationToken)
        {
            hub.IdentityReads++;
            lock (hub._lock)
                return Task.FromResult(hub._devices.TryGetValue(deviceId, out var entry)
                    ? new Device(deviceId)
                    {
                        ETag = entry.Etag, Status = entry.Status,
                        Authentication = new()
                        {
                            Type = AuthenticationType.Sas, SymmetricKey = new() { PrimaryKey = entry.Keys.Primary, SecondaryKey = entry.Keys.Secondary },
                        },
                    }
                    : null);
        }

        public override Task<BulkRegistryOperationResult> AddDeviceWithTwinAsync(Device device, Twin twin, CancellationToken cancellationToken)
        {
            lock (hub._lock)
            {
                if (device.Id.AsSpan().ContainsAny("/ ä") || device.Id.Length is 0 or > 128)
                    throw new ArgumentException($"The device id '{device.Id}' is not allowed.");
                if (hub._devices.ContainsKey(device.Id))
                    return Task.FromResult(new BulkRegistryOperationResult
                    {
                        IsSuccessful = false, Errors = [new() { DeviceId = device.Id, ErrorCode = ErrorCode.DeviceAlreadyExists }],
                    });
                hub._devices[device.Id] = new()
                {
                    Etag = hub.NextEtag(), TwinEtag = hub.NextEtag(), Status = device.Status,
                    Keys = (device.Authentication!.SymmetricKey!.PrimaryKey!, device.Authentication.SymmetricKey.SecondaryKey!),
                    Tags = Read(twin.Tags), Desired = Read(twin.Properties.Desired),
                };
                return Task.FromResult(new BulkRegistryOperationResult { IsSuccessful = true, Errors = [] });
            }
        }

        public override Task<Device> UpdateDeviceAsync(Device device, CancellationToken cancellationToken)
        {
            hub.BeforeWrite?.Invoke(device.Id);
            lock (hub._lock)
            {
                if (!hub._devices.TryGetValue(device.Id, out var entry)) throw Unknown(device.Id);
                if (device.ETag != entry.Etag) throw new PreconditionFailedException("Precondition failed: device version did not match.");
                entry.Etag = hub.NextEtag();
                entry.Status = device.Status;
                entry.Keys = (device.Authentication!.SymmetricKey!.PrimaryKey!, device.Authentication.SymmetricKey.SecondaryKey!);
                return Task.FromResult(device);
            }
        }

        public override Task RemoveDeviceAsync(string deviceId, CancellationToken cancellationToken)
        {
            lock (hub._lock)
                return hub._devices.Remove(deviceId) ? Task.CompletedTask : throw Unknown(deviceId);
        }

        public override Task<Twin?> GetTwinAsync(string deviceId, CancellationToken cancellationToken)
        {
            lock (hub._lock)
                return Task.FromResult(hub._devices.TryGetValue(deviceId, out var entry) ? entry.ToTwin(deviceId) : null);
        }

        public override Task<Twin> UpdateTwinAsync(string deviceId, string jsonTwinPatch, string etag, CancellationToken cancellationToken)
        {
            hub.BeforeWrite?.Invoke(deviceId);
            lock (hub._lock)
            {
                if (!hub._devices.TryGetValue(deviceId, out var entry)) throw Unknown(deviceId);
                if (etag != "*" && etag != entry.TwinEtag) throw new PreconditionFailedException("Precondition failed: twin version did not match.");
                var patch = JsonNode.Parse(jsonTwinPatch)!.AsObject();
                if (patch["tags"] is JsonObject tags) Merge(entry.Tags, tags);
                if (patch["properties"]?["desired"] is JsonObject desired)
                {
                    var merged = entry.Desired.DeepClone().AsObject();
                    Merge(merged, desired);
                    if (merged.ToJsonString().Length > TwinSectionBytes) throw new MessageTooLargeException("The twin's desired properties are too large.");
                    (entry.Desired, entry.DesiredVersion) = (merged, entry.DesiredVersion + 1);
                }

                entry.TwinEtag = hub.NextEtag();
                return Task.FromResult(entry.ToTwin(deviceId));
            }
        }

        /// <summary>The one question that the adapter asks.</summary>
        public override IQuery CreateQuery(string sqlQueryString, int? pageSize)
        {
            Assert.That(sqlQueryString, Is.EqualTo("SELECT deviceId FROM devices WHERE NOT is_defined(tags.protocol) OR NOT is_defined(tags.offering)"));
            lock (hub._lock)
                return new Query(
                    hub._devices.Where(d => !d.Value.Tags.ContainsKey("protocol") || !d.Value.Tags.ContainsKey("offering"))
                        .Select(d => $$"""{"deviceId":"{{d.Key}}"}""").Chunk(pageSize!.Value));
        }

        private static JsonObject Read(TwinCollection collection)
        {
            var json = JsonNode.Parse(collection.ToJson())!.AsObject();
            foreach (var name in new[] { "$version", "$metadata" }) json.Remove(name);
            return json;
        }
    }

    internal sealed class FakeServiceClient(FakeIotHub hub) : ServiceClient
    {
        public override Task SendAsync(string deviceId, Message message, TimeSpan? timeout = null, TimeSpan? connectTimeout = null)
        {
            lock (hub._lock)
            {
                if (!hub._devices.TryGetValue(deviceId, out var entry)) throw Unknown(deviceId);
                if (message.GetBytes().Length > MessageBytes) throw new MessageTooLargeException("The message is too large.");
                if (entry.Queue.Count >= QueueMax) throw new DeviceMaximumQueueDepthExceededException("Device Queue depth cannot exceed 50 messages");
                entry.Queue.Add(message);
                return Task.CompletedTask;
            }
        }

        public override Task<CloudToDeviceMethodResult> InvokeDeviceMethodAsync(
            string deviceId, CloudToDeviceMethod cloudToDeviceMethod, CancellationToken cancellationToken = default)
        {
            lock (hub._lock)
                if (!hub._devices.ContainsKey(deviceId))
                    throw Unknown(deviceId);
            if (!hub.Online.TryGetValue(deviceId, out var device))
                throw new DeviceNotFoundException(ErrorCode.DeviceNotOnline, """{"Message":"{\"errorCode\":404103,\"message\":\"Timed out waiting for device to connect.\"}"}""");
            try
            {
                _ = JsonNode.Parse(cloudToDeviceMethod.GetPayloadAsJson()!);
            }
            catch (System.Text.Json.JsonException)
            {
                throw new ArgumentException("The payload is not JSON.");
            }

            return Task.FromResult(device(cloudToDeviceMethod));
        }
    }

    /// <summary>What a device answers; the SDK lets nobody but its serializer make one.</summary>
    public static CloudToDeviceMethodResult Answer(int status, string payload) =>
        JsonConvert.DeserializeObject<CloudToDeviceMethodResult>($$"""{"status":{{status}},"payload":{{payload}}}""")!;

    /// <summary>Status 504 is none that the SDK has an exception for: the answer's text alone says what it is.</summary>
    public static IotHubException Timeout() =>
        new("""{"Message":"{\"errorCode\":504101,\"message\":\"Timed out waiting for the response from device.\"}"}""", true);

    private static DeviceNotFoundException Unknown(string deviceId) => new(ErrorCode.DeviceNotFound, $"Device {deviceId} not registered");

    private sealed class Query(IEnumerable<string[]> pages) : IQuery
    {
        private readonly Queue<string[]> _pages = new(pages);

        public bool HasMoreResults => _pages.Count > 0;

        public Task<IEnumerable<string>> GetNextAsJsonAsync() => Task.FromResult<IEnumerable<string>>(_pages.Dequeue());

        public Task<QueryResponse<string>> GetNextAsJsonAsync(QueryOptions options) => throw new NotSupportedException();

        public Task<IEnumerable<Twin>> GetNextAsTwinAsync() => throw new NotSupportedException();

        public Task<QueryResponse<Twin>> GetNextAsTwinAsync(QueryOptions options) => throw new NotSupportedException();

        public Task<IEnumerable<DeviceJob>> GetNextAsDeviceJobAsync() => throw new NotSupportedException();

        public Task<QueryResponse<DeviceJob>> GetNextAsDeviceJobAsync(QueryOptions options) => throw new NotSupportedException();

        public Task<IEnumerable<JobResponse>> GetNextAsJobResponseAsync() => throw new NotSupportedException();

        public Task<QueryResponse<JobResponse>> GetNextAsJobResponseAsync(QueryOptions options) => throw new NotSupportedException();
    }
}
