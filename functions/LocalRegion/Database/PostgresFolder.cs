using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pumps.LocalRegion.Database;

/// <summary>The folders of the server: <c>cluster</c>, <c>sockets</c>, <c>logs</c>, owned by the account it runs under.</summary>
internal sealed record PostgresFolder(string Root, string Sockets)
{
    // The kernel's limit is 108 with the closing zero; "/.s.PGSQL.5432" follows.
    private const int SocketFolderLengthMax = 107 - 14;

    public string Cluster => Path.Combine(Root, "cluster");

    public string Logs => Path.Combine(Root, "logs");

    public bool HasCluster => File.Exists(Path.Combine(Cluster, "PG_VERSION"));

    private string PostmasterFile => Path.Combine(Cluster, "postmaster.pid");

    /// <param name="account">The account the server runs under when it is not the region's own.</param>
    public static PostgresFolder Prepare(string root, string? account)
    {
        root = Path.GetFullPath(root);
        Directory.CreateDirectory(root);
        var sockets = Path.Combine(root, "sockets");
        if (Encoding.UTF8.GetByteCount(sockets) > SocketFolderLengthMax)
            sockets = Path.Combine(Path.GetTempPath(), "pumps-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(root)))[..16]);

        var folder = new PostgresFolder(root, sockets);
        foreach (var made in new[] { folder.Cluster, folder.Logs, folder.Sockets })
        {
            Directory.CreateDirectory(made);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(made, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        if (account is not null)
            folder.HandOver(account);
        return folder;
    }

    /// <summary>Says that this region uses the folder, until it ends, however it ends.</summary>
    public FileStream Claim()
    {
        try
        {
            return new FileStream(Path.Combine(Root, "region.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException($"Another region uses {Root}. Stop it, or give this one a data folder of its own.", e);
        }
    }

    /// <summary>The process that has, or had, the cluster open; null when it was closed.</summary>
    public int? ReadPostmasterId() =>
        File.Exists(PostmasterFile) && int.TryParse(File.ReadLines(PostmasterFile).FirstOrDefault(), CultureInfo.InvariantCulture, out var id) ? id : null;

    public void RemovePostmasterId() => File.Delete(PostmasterFile);

    public static bool IsPostgres(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.ProcessName is "postgres" or "postmaster";
        }
        catch (ArgumentException)
        {
            return false;   // no such process
        }
    }

    public static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>The region's settings replace what initdb wrote.</summary>
    public void WriteSettings(string settings, string access, string identities)
    {
        File.WriteAllText(Path.Combine(Cluster, "postgresql.conf"), settings);
        File.WriteAllText(Path.Combine(Cluster, "pg_hba.conf"), access);
        File.WriteAllText(Path.Combine(Cluster, "pg_ident.conf"), identities);
    }

    private void HandOver(string account)
    {
        for (var parent = new DirectoryInfo(Root); parent is not null; parent = parent.Parent)
            if (!OperatingSystem.IsWindows() && !parent.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                throw new InvalidOperationException(
                    $"PostgreSQL does not run as root; its account \"{account}\" cannot enter {parent.FullName}. "
                    + $"Allow it (chmod o+x {parent.FullName}), choose another data folder, or run the region under an account of its own.");

        foreach (var made in new[] { Cluster, Logs, Sockets })
            PostgresProgram.Run("chown", [account, made]);
    }
}
