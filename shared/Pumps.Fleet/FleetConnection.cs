using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;

namespace Pumps.Fleet;

/// <summary>Where a fleet connects to.</summary>
/// <param name="CaFile">PEM file of the authority that signed the endpoint's certificate; null trusts the machine's authorities.</param>
/// <param name="Plain">No TLS at all: for a load test on one machine.</param>
public sealed record FleetConnection(string Host, int Port, string? CaFile = null, bool Plain = false)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The authorities of <see cref="CaFile"/>; empty without one.</summary>
    internal X509Certificate2Collection Authorities()
    {
        var authorities = new X509Certificate2Collection();
        if (CaFile is not null)
            authorities.ImportFromPemFile(CaFile);
        return authorities;
    }

    /// <summary>What every client of this endpoint connects with, but for who it is.</summary>
    internal MqttClientOptionsBuilder Options(X509Certificate2Collection authorities)
    {
        var builder = new MqttClientOptionsBuilder().WithTcpServer(Host, Port).WithProtocolVersion(MqttProtocolVersion.V311).WithTimeout(AnswerTimeout);
        return Plain
            ? builder
            : builder.WithTlsOptions(o => o
                .UseTls()
                .WithTargetHost(Host)
                .WithCertificateValidationHandler(e => Trusts(authorities, e.Certificate, e.SslPolicyErrors)));
    }

    /// <summary>Trusts exactly the given authorities; without any, the machine's.</summary>
    internal static bool Trusts(X509Certificate2Collection authorities, X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (authorities.Count == 0 || certificate is null)
            return errors is SslPolicyErrors.None && certificate is not null;

        // The name and the presence of a certificate are judged as always; only the chain is judged anew, by our own roots.
        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
            return false;

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var copy = X509CertificateLoader.LoadCertificate(certificate.Export(X509ContentType.Cert));
        return chain.Build(copy);
    }
}
