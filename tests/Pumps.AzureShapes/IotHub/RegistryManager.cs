using Azure.Core;
using Microsoft.Azure.Devices.Shared;
using Pumps.AzureShapes;

namespace Microsoft.Azure.Devices;

public sealed class HttpTransportSettings;

/// <summary>Its constructor and its disposal do nothing, as the package's do for those who derive a fake from it.</summary>
public class RegistryManager : IDisposable
{
    public RegistryManager()
    {
    }

    public static RegistryManager Create(string hostName, TokenCredential credential, HttpTransportSettings? transportSettings = null) => throw Shape.Only;

    public virtual Task<Device?> GetDeviceAsync(string deviceId, CancellationToken cancellationToken) => throw Shape.Only;

    public virtual Task<BulkRegistryOperationResult> AddDeviceWithTwinAsync(Device device, Twin twin, CancellationToken cancellationToken) =>
        throw Shape.Only;

    public virtual Task<Device> UpdateDeviceAsync(Device device, CancellationToken cancellationToken) => throw Shape.Only;

    public virtual Task RemoveDeviceAsync(string deviceId, CancellationToken cancellationToken) => throw Shape.Only;

    public virtual Task<Twin?> GetTwinAsync(string deviceId, CancellationToken cancellationToken) => throw Shape.Only;

    public virtual Task<Twin> UpdateTwinAsync(string deviceId, string jsonTwinPatch, string etag, CancellationToken cancellationToken) => throw Shape.Only;

    public virtual IQuery CreateQuery(string sqlQueryString, int? pageSize) => throw Shape.Only;

    protected virtual void Dispose(bool disposing)
    {
    }

    public void Dispose() => Dispose(true);
}

public class DeviceJob
{
    internal DeviceJob() => throw Shape.Only;
}

public class JobResponse
{
    internal JobResponse() => throw Shape.Only;
}

public class QueryOptions
{
    public string? ContinuationToken { get => throw Shape.Only; set => throw Shape.Only; }
}

public class QueryResponse<T>
{
    internal QueryResponse() => throw Shape.Only;
}

public interface IQuery
{
    bool HasMoreResults { get; }

    Task<IEnumerable<Twin>> GetNextAsTwinAsync();

    Task<QueryResponse<Twin>> GetNextAsTwinAsync(QueryOptions options);

    Task<IEnumerable<DeviceJob>> GetNextAsDeviceJobAsync();

    Task<QueryResponse<DeviceJob>> GetNextAsDeviceJobAsync(QueryOptions options);

    Task<IEnumerable<JobResponse>> GetNextAsJobResponseAsync();

    Task<QueryResponse<JobResponse>> GetNextAsJobResponseAsync(QueryOptions options);

    Task<IEnumerable<string>> GetNextAsJsonAsync();

    Task<QueryResponse<string>> GetNextAsJsonAsync(QueryOptions options);
}
