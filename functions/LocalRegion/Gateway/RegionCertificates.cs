using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pumps.LocalRegion.Gateway;

/// <summary>
/// The region's own authority and the gateway's certificate. The authority is made once, in <c>ca.pem</c> and <c>ca.key.pem</c> (readable by the
/// owner alone); devices are given <c>ca.pem</c>. The gateway's certificate lives in memory and is made anew at every start and before it runs out.
/// </summary>
internal sealed class RegionCertificates
{
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan ServerLife = TimeSpan.FromDays(90);

    // Clocks of devices go wrong: a certificate made now must be valid for a device that is a day behind.
    private static readonly TimeSpan Backdated = TimeSpan.FromDays(1);

    // With a life of 90 days there are 30 left: time enough for a process that is restarted monthly.
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    private readonly TimeProvider _time;
    private readonly string[] _hosts;
    private readonly X509Certificate2 _authority;
    private volatile ServerCertificate _server;

    private RegionCertificates(X509Certificate2 authority, string authorityFile, string[] hosts, TimeProvider time)
    {
        _authority = authority;
        AuthorityFile = authorityFile;
        _hosts = hosts;
        _time = time;
        _server = Issue();
    }

    /// <summary>The file that devices must trust.</summary>
    public string AuthorityFile { get; }

    /// <summary>What the endpoint presents; renewed when near its end.</summary>
    public SslStreamCertificateContext Context
    {
        get
        {
            if (_time.GetUtcNow() >= _server.RenewAt)
                lock (_authority)
                    if (_time.GetUtcNow() >= _server.RenewAt)
                        _server = Issue();
            return _server.Context;
        }
    }

    /// <summary>Reads the authority from the folder, or makes it there.</summary>
    public static RegionCertificates Open(string folder, IEnumerable<string> hosts, TimeProvider time)
    {
        var certificateFile = Path.Combine(folder, "ca.pem");
        var keyFile = Path.Combine(folder, "ca.key.pem");
        if (!File.Exists(certificateFile)) CreateAuthority(certificateFile, keyFile, time.GetUtcNow());

        X509Certificate2 authority;
        try
        {
            authority = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        }
        catch (Exception e) when (e is CryptographicException or IOException)
        {
            throw new InvalidOperationException(
                $"The region's authority cannot be read from {certificateFile} and {keyFile}: {e.Message} " +
                "Restore both files, or delete both; a new authority must then be given to every device.", e);
        }

        if (authority.NotAfter.ToUniversalTime() <= time.GetUtcNow().UtcDateTime + ServerLife)
            throw new InvalidOperationException(
                $"The region's authority {certificateFile} ends on {authority.NotAfter:d}. Delete it and {keyFile}, start again, and give the new one to every device.");
        return new(authority, certificateFile, [.. hosts.Distinct(StringComparer.OrdinalIgnoreCase)], time);
    }

    private static void CreateAuthority(string certificateFile, string keyFile, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Pumps local region", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.CreateSelfSigned(now - Backdated, now + AuthorityLife);

        // The key first: a certificate without its key would look like an authority that is complete.
        SecretFile.Write(keyFile, key.ExportPkcs8PrivateKeyPem());
        SecretFile.Write(certificateFile, certificate.ExportCertificatePem());
    }

    private ServerCertificate Issue()
    {
        var now = _time.GetUtcNow();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={_hosts[0]}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false)); // server authentication
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, true, false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in _hosts)
            if (IPAddress.TryParse(host, out var address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());

        using var signed = request.Create(_authority, now - Backdated, now + ServerLife, RandomNumberGenerator.GetBytes(16));
        var certificate = signed.CopyWithPrivateKey(key);
        return new(SslStreamCertificateContext.Create(certificate, [], offline: true), now + ServerLife - RenewBefore);
    }

    private sealed record ServerCertificate(SslStreamCertificateContext Context, DateTimeOffset RenewAt);
}
