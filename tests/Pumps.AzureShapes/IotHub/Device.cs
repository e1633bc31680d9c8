using Microsoft.Azure.Devices.Common.Exceptions;

namespace Microsoft.Azure.Devices;

public enum DeviceStatus
{
    Enabled = 0,
    Disabled = 1,
}

public enum AuthenticationType
{
    Sas = 0,
    SelfSigned = 1,
    CertificateAuthority = 2,
    None = 3,
}

public sealed class SymmetricKey
{
    public string? PrimaryKey { get; set; }

    public string? SecondaryKey { get; set; }
}

public sealed class AuthenticationMechanism
{
    public SymmetricKey? SymmetricKey { get; set; }

    public AuthenticationType Type { get; set; }
}

public class Device
{
    public Device()
    {
    }

    public Device(string id) => Id = id;

    public string Id { get; } = "";

    public string? ETag { get; set; }

    public DeviceStatus Status { get; set; }

    public string? StatusReason { get; set; }

    public AuthenticationMechanism? Authentication { get; set; }
}

public sealed class DeviceRegistryOperationError
{
    public string? DeviceId { get; set; }

    public ErrorCode ErrorCode { get; set; }

    public string? ErrorStatus { get; set; }
}

public sealed class BulkRegistryOperationResult
{
    public bool IsSuccessful { get; set; }

    public DeviceRegistryOperationError[]? Errors { get; set; }
}
