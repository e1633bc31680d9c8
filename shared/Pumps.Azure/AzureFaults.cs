using Azure;
using Azure.Messaging.EventHubs;
using Azure.Messaging.ServiceBus;
using Microsoft.Azure.Devices.Common.Exceptions;

namespace Pumps.Azure;

/// <summary>Which errors of Azure's clients pass by themselves: throttling, and a service that is away.</summary>
internal static class AzureFaults
{
    public static bool IsTransient(Exception error) => error switch
    {
        IotHubException { IsTransient: true } or IotHubException { Code: ErrorCode.ThrottlingException } => true,
        EventHubsException { IsTransient: true } or ServiceBusException { IsTransient: true } => true,
        // 0: there was no answer.
        RequestFailedException { Status: 0 or 408 or 429 or >= 500 } => true,
        _ => false,
    };
}
