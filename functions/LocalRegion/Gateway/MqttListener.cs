using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Server;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Accepts connections, with TLS or without, and hands each to MQTTnet's server as an <see cref="MqttChannel"/>.</summary>
internal sealed class MqttListener(GatewayOptions options, int port, GatewayMetrics metrics, RegionCertificates? certificates, ILogger log) : IMqttServerAdapter
{
    private const int Backlog = 1024;

    // Without handles left, accepting again at once would only burn the processor.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Socket _listener = new(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    private Task _accepting = Task.CompletedTask;

    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public Task StartAsync(MqttServerOptions serverOptions, IMqttNetLogger logger)
    {
        _listener.NoDelay = true;
        try
        {
            _listener.Bind(new IPEndPoint(options.Address, port));
        }
        catch (SocketException e)
        {
            throw new InvalidOperationException(
                $"The gateway cannot listen on {options.Address}:{port}: {e.Message}. Free the port, or set Gateway:{(certificates is null ? "PlainPort" : "TlsPort")} or Gateway:Address.", e);
        }

        _listener.Listen(Backlog);
        _accepting = AcceptAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stopping.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // The client was gone before it was accepted, or the process has no handle left: the next one may fare better.
                log.AcceptInterrupted(e.SocketErrorCode);
                await Task.Delay(AcceptPause, CancellationToken.None);
                continue;
            }

            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        if (!metrics.TryOpen(options.ConnectionsMax))
        {
            socket.Dispose();
            return;
        }

        await Task.Yield(); // The next client must not wait for this one's handshake.
        try
        {
            socket.NoDelay = true;
            if (await OpenAsync(socket) is not { } stream) return;
            using var channel = new MqttChannel(socket, stream);
            if (ClientHandler is { } handle) await handle(channel);
            if (!channel.IsConnected && channel.Violation is { } violation) metrics.Refuse(RefusalReason.MalformedPacket, null, violation);
        }
        finally
        {
            socket.Dispose();
            metrics.Closed();
        }
    }

    private async Task<Stream?> OpenAsync(Socket socket)
    {
        var stream = new NetworkStream(socket, ownsSocket: false);
        if (certificates is null) return stream;

        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(options.ConnectTimeout);
        try
        {
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Context,
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                },
                patience.Token);
            return tls;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException)
        {
            metrics.Refuse(RefusalReason.TlsHandshake, null, e.Message);
            await tls.DisposeAsync();
            return null;
        }
    }
}
