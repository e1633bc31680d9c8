using FASTER.core;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The file <c>commit</c> beside the segments: a commit from which recovery reads on.</summary>
/// <remarks>
/// FASTER writes a commit record into the log itself (fast commit), so this file need not follow each commit: it bounds what
/// recovery has to read. Unlike FASTER's manager it is written by the thread that appends, after the data is durable.
/// </remarks>
internal sealed class CommitPoint(string folder) : ILogCommitManager
{
    // At most this much is read again by recovery; one small file write in so many bytes of log.
    private const long Distance = 2 << 20;

    private readonly string _path = Path.Combine(folder, "commit");

    /// <summary>Everything before this address is in the log for certain.</summary>
    public long Until { get; private set; }

    public bool IsBehind(long durableUntil) => durableUntil - Until > Distance;

    public void Write(FasterLogRecoveryInfo info)
    {
        Folders.WriteWhole(_path, [.. BitConverter.GetBytes(info.CommitNum), .. info.ToByteArray()]);
        Until = info.UntilAddress;
    }

    public IEnumerable<long> ListCommits() => File.Exists(_path) ? [BitConverter.ToInt64(File.ReadAllBytes(_path))] : [];

    public byte[] GetCommitMetadata(long commitNum)
    {
        var metadata = File.ReadAllBytes(_path)[sizeof(long)..];
        var info = new FasterLogRecoveryInfo();
        using var reader = new BinaryReader(new MemoryStream(metadata));
        info.Initialize(reader);
        Until = info.UntilAddress;
        return metadata;
    }

    // FASTER calls these from its own threads after a commit; what they would do is done by Write.
    public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata)
    {
    }

    public void OnRecovery(long commitNum)
    {
    }

    public void RemoveCommit(long commitNum) => File.Delete(_path);

    public void RemoveAllCommits() => File.Delete(_path);

    public void Dispose()
    {
    }
}
