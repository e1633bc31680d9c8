namespace Microsoft.Azure.Devices.Common.Exceptions;

public enum ErrorCode
{
    InvalidErrorCode = 0,
    ArgumentInvalid = 400004,
    DeviceMaximumQueueDepthExceeded = 403004,
    DeviceNotFound = 404001,
    DeviceNotOnline = 404103,
    DeviceAlreadyExists = 409001,
    PreconditionFailed = 412001,
    MessageTooLarge = 413001,
    ThrottlingException = 429001,
}

public class IotHubException : Exception
{
    public IotHubException(string message, bool isTransient)
        : base(message) => IsTransient = isTransient;

    public IotHubException(ErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    public bool IsTransient { get; }

    public ErrorCode Code { get; }
}

public sealed class DeviceNotFoundException : IotHubException
{
    public DeviceNotFoundException(ErrorCode code, string message, Exception? innerException = null)
        : base(code, message, innerException)
    {
    }
}

public sealed class DeviceMaximumQueueDepthExceededException : IotHubException
{
    public DeviceMaximumQueueDepthExceededException(string message)
        : base(message, false)
    {
    }
}

public sealed class PreconditionFailedException : IotHubException
{
    public PreconditionFailedException(string message)
        : base(message, false)
    {
    }
}

public sealed class MessageTooLargeException : IotHubException
{
    public MessageTooLargeException(string message)
        : base(message, false)
    {
    }
}
