using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class CertificateTests
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("pumps-ca-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, true);

    [TestCase("localhost")]
    [TestCase("127.0.0.1")]
    [TestCase("127.0.0.3")]
    [TestCase("pumps.example")]
    public async Task A_client_that_trusts_the_authority_accepts_every_name_of_the_gateway(string name) =>
        Assert.That((await HandshakeAsync(name)).Errors, Is.EqualTo(SslPolicyErrors.None));

    [Test]
    public async Task A_foreign_name_is_not_covered() =>
        Assert.That((await HandshakeAsync("elsewhere.example")).Errors, Is.EqualTo(SslPolicyErrors.RemoteCertificateNameMismatch));

    [Test]
    public async Task The_authority_stays_and_only_its_owner_can_read_its_key()
    {
        await HandshakeAsync("localhost");
        var authority = await File.ReadAllTextAsync(Path.Combine(_folder, "ca.pem"));
        await HandshakeAsync("localhost");
        Assert.That(await File.ReadAllTextAsync(Path.Combine(_folder, "ca.pem")), Is.EqualTo(authority));
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(Path.Combine(_folder, "ca.key.pem")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Test]
    public async Task The_gateways_certificate_is_renewed_a_month_before_it_ends_while_the_gateway_runs()
    {
        await using var registry = await DeviceRegistry.OpenAsync(Path.Combine(_folder, "registry.db"), default);
        await using var gateway = await StartAsync(registry);
        var first = await HandshakeAsync(gateway, "localhost");
        _time.Advance(TimeSpan.FromDays(59));
        Assert.That((await HandshakeAsync(gateway, "localhost")).Serial, Is.EqualTo(first.Serial));
        _time.Advance(TimeSpan.FromDays(2));
        Assert.That((await HandshakeAsync(gateway, "localhost")).Serial, Is.Not.EqualTo(first.Serial));
    }

    [Test]
    public async Task An_authority_without_its_key_stops_the_start_and_says_what_to_do()
    {
        await HandshakeAsync("localhost");
        File.Delete(Path.Combine(_folder, "ca.key.pem"));
        Assert.That(async () => await HandshakeAsync("localhost"), Throws.InvalidOperationException.With.Message.Contains("Restore both files"));
    }

    [Test]
    public async Task A_port_in_use_stops_the_start_and_says_what_to_do()
    {
        using var other = new TcpListener(IPAddress.Parse("127.0.0.3"), 0);
        other.Start();
        await using var registry = await DeviceRegistry.OpenAsync(Path.Combine(_folder, "registry.db"), default);
        await using var gateway = Create(registry, ((IPEndPoint)other.LocalEndpoint).Port);
        Assert.That(async () => await gateway.StartAsync(), Throws.InvalidOperationException.With.Message.Contains("Gateway:TlsPort"));
    }

    private async Task<(SslPolicyErrors Errors, string Serial)> HandshakeAsync(string name)
    {
        await using var registry = await DeviceRegistry.OpenAsync(Path.Combine(_folder, "registry.db"), default);
        await using var gateway = await StartAsync(registry);
        return await HandshakeAsync(gateway, name);
    }

    private async Task<IotGateway> StartAsync(DeviceRegistry registry)
    {
        var gateway = Create(registry, 0);
        await gateway.StartAsync();
        return gateway;
    }

    private IotGateway Create(DeviceRegistry registry, int port) => new(
        new GatewayOptions { DataFolder = _folder, Address = IPAddress.Parse("127.0.0.3"), TlsPort = port, PlainPort = null, HostNames = ["pumps.example"] },
        registry, (_, _) => ValueTask.CompletedTask, _time, NullLogger<IotGateway>.Instance);

    private static async Task<(SslPolicyErrors Errors, string Serial)> HandshakeAsync(IotGateway gateway, string name)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.TlsEndPoint!);
        var found = SslPolicyErrors.RemoteCertificateNotAvailable;
        var serial = "";
#pragma warning disable CA5359 // What is wrong with the certificate is what the test looks at, so the handshake has to go on.
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, errors) =>
        {
            found = errors;
            serial = certificate!.GetSerialNumberString();
            return errors is SslPolicyErrors.None;
        });
#pragma warning restore CA5359
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(gateway.AuthorityFile!);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name, CertificateChainPolicy = policy });
        }
        catch (AuthenticationException) when (found is not SslPolicyErrors.None)
        {
            // The client has refused; what it found wrong is what the test asks.
        }

        return (found, serial);
    }
}
