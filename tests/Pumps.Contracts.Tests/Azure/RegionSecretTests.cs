using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Pumps.Azure.Storage;

namespace Pumps.Contracts.Tests.Azure;

public sealed class RegionSecretTests
{
    [Test]
    public async Task A_secret_is_made_once_and_read_from_then_on()
    {
        var blob = new Blob();

        var first = await RegionSecret.ReadOrCreateAsync(blob, CancellationToken.None);

        Assert.That(Convert.FromBase64String(first), Has.Length.EqualTo(32));
        Assert.That(await RegionSecret.ReadOrCreateAsync(blob, CancellationToken.None), Is.EqualTo(first));
    }

    [Test]
    public async Task Of_two_instances_that_start_together_both_have_what_the_first_has_written()
    {
        var blob = new Blob { WrittenMeanwhile = "of the other" };

        Assert.That(await RegionSecret.ReadOrCreateAsync(blob, CancellationToken.None), Is.EqualTo("of the other"));
    }

    /// <summary>A blob that refuses what the service refuses.</summary>
    private sealed class Blob : BlobClient
    {
        private string? _content;

        /// <summary>Written by somebody else between the first look and the upload.</summary>
        public string? WrittenMeanwhile { get; init; }

        public override Task<Response<BlobDownloadResult>> DownloadContentAsync(CancellationToken cancellationToken) => _content is null
            ? throw new RequestFailedException(404, "", BlobErrorCode.BlobNotFound.ToString(), null)
            : Task.FromResult(Response.FromValue(BlobsModelFactory.BlobDownloadResult(content: BinaryData.FromString(_content)), null!));

        public override Task<Response<BlobContentInfo>> UploadAsync(BinaryData content, BlobUploadOptions options, CancellationToken cancellationToken = default)
        {
            Assert.That(options.Conditions.IfNoneMatch, Is.EqualTo(ETag.All));
            if (WrittenMeanwhile is not null)
            {
                _content = WrittenMeanwhile;
                throw new RequestFailedException(409, "", BlobErrorCode.BlobAlreadyExists.ToString(), null);
            }

            _content = content.ToString();
            return Task.FromResult<Response<BlobContentInfo>>(null!);
        }
    }
}
