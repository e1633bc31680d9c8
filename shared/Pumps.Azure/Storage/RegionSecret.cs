using System.Security.Cryptography;
using Azure;
using Azure.Core;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Configuration;

namespace Pumps.Azure.Storage;

/// <summary>
/// A secret of the region in the storage account of the one app that needs it, which only the app's identity can read. It is made once, by
/// the first instance that looks for it, and never shown. The local region keeps its own in a file.
/// </summary>
public static class RegionSecret
{
    private const string Container = "secrets";
    private const int Bytes = 32;
    private const string AccountSetting = "AzureWebJobsStorage:accountName";

    /// <returns>Base64.</returns>
    /// <exception cref="InvalidOperationException">The account is not named.</exception>
    public static async Task<string> ReadOrCreateAsync(IConfiguration configuration, TokenCredential credential, string name, CancellationToken cancel)
    {
        var account = configuration[AccountSetting] is { Length: > 0 } given
            ? given
            : throw new InvalidOperationException("The setting AzureWebJobsStorage__accountName is missing: the storage account of the app.");
        var container = new BlobContainerClient(new Uri($"https://{account}.blob.core.windows.net/{Container}"), credential);
        await container.CreateIfNotExistsAsync(cancellationToken: cancel);
        return await ReadOrCreateAsync(container.GetBlobClient(name), cancel);
    }

    /// <remarks>Of several instances that start together one writes, and all of them read what it wrote.</remarks>
    internal static async Task<string> ReadOrCreateAsync(BlobClient blob, CancellationToken cancel)
    {
        try
        {
            return (await blob.DownloadContentAsync(cancel)).Value.Content.ToString();
        }
        catch (RequestFailedException fault) when (fault.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            try
            {
                await blob.UploadAsync(
                    BinaryData.FromString(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes))),
                    new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, cancel);
            }
            catch (RequestFailedException taken) when (taken.ErrorCode == BlobErrorCode.BlobAlreadyExists)
            {
                // Another instance was first.
            }

            return (await blob.DownloadContentAsync(cancel)).Value.Content.ToString();
        }
    }
}
