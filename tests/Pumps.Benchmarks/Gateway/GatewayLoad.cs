using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Handlers.Devices;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Benchmarks.Gateway;

/// <summary>
/// Messages per second of the gateway alone: a sink that takes everything at once, and clients in a process of their own, each with one QoS 1
/// message in flight. <c>dotnet run -c Release -- gateway [connections] [seconds]</c>
/// </summary>
internal static class GatewayLoad
{
    private const int RegisteredDevices = 100_000;

    public static async Task RunAsync(string[] args)
    {
        var connections = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 2_000;
        var seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10;
        var folder = Directory.CreateTempSubdirectory("pumps-load-").FullName;

        await using var registry = await DeviceRegistry.OpenAsync(Path.Combine(folder, "registry.db"), default);
        var empty = Memory();
        var started = Stopwatch.GetTimestamp();
        await RegisterAsync(registry, Path.Combine(folder, "tokens"), connections);
        Console.WriteLine($"{RegisteredDevices} devices registered in {Stopwatch.GetElapsedTime(started).TotalSeconds:F2} s");

        long messages = 0;
        await using var gateway = new IotGateway(
            new GatewayOptions { DataFolder = folder, TlsPort = null, PlainPort = 0 }, registry,
            (_, _) =>
            {
                Interlocked.Increment(ref messages);
                return ValueTask.CompletedTask;
            },
            TimeProvider.System, NullLogger<IotGateway>.Instance);
        await gateway.StartAsync();

        await gateway.FindTwinAsync("none", default); // so that the registry's file lets go of its last result
        var before = Memory();
        Console.WriteLine($"{(before - empty) / RegisteredDevices} bytes of managed memory per registered device");
        started = Stopwatch.GetTimestamp();
        using var clients = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [Environment.GetCommandLineArgs()[0], "gateway-clients", gateway.PlainEndPoint!.Port.ToString(CultureInfo.InvariantCulture), Path.Combine(folder, "tokens")])
        {
            RedirectStandardInput = true,
        })!;
        while (gateway.ConnectedDevices < connections)
            await Task.Delay(20);
        Console.WriteLine($"{connections} connections in {Stopwatch.GetElapsedTime(started).TotalSeconds:F2} s, {(Memory() - before) / connections} bytes of managed memory each");

        await clients.StandardInput.WriteLineAsync("go");
        await Task.Delay(TimeSpan.FromSeconds(2)); // the compiler's time
        var (firstMessages, firstCpu, firstBytes, first) = (Interlocked.Read(ref messages), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var taken = Interlocked.Read(ref messages) - firstMessages;
        var cpu = Environment.CpuUsage.TotalTime - firstCpu;
        var elapsed = Stopwatch.GetElapsedTime(first);
        Console.WriteLine(
            $"{taken / elapsed.TotalSeconds:F0} messages/s; gateway {cpu.TotalMicroseconds / taken:F1} us of processor per message " +
            $"({taken / cpu.TotalSeconds:F0} messages per processor second), {(GC.GetTotalAllocatedBytes() - firstBytes) / taken} bytes allocated per message");

        await clients.StandardInput.WriteLineAsync("stop");
        await clients.WaitForExitAsync();
        Directory.Delete(folder, true);
    }

    private static async Task RegisterAsync(DeviceRegistry registry, string tokensFile, int connections)
    {
        var registered = await registry.RegisterAsync(
            [.. Enumerable.Range(0, RegisteredDevices).Select(i => new DeviceRegistration(
                $"dp2-{i:x16}", "dp2", "irrigation", "irrigation-pump-v2", $"customer-{i % 100}", "local", null))],
            default);
        await File.WriteAllLinesAsync(
            tokensFile,
            registered.Take(connections).Select(d => d.Device.Id + " " + SasToken.Create("localhost", d.Device.Id, d.PrimaryKey, TimeProvider.System.GetUtcNow().AddHours(1))));
    }

    /// <summary>The clients' process: lean, so that the two share a small machine fairly.</summary>
    public static async Task RunClientsAsync(string[] args)
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, int.Parse(args[0], CultureInfo.InvariantCulture));
        var stop = new TaskCompletionSource();
        var sockets = new List<(Socket Socket, string Id)>();
        foreach (var line in await File.ReadAllLinesAsync(args[1]))
        {
            var id = line[..line.IndexOf(' ', StringComparison.Ordinal)];
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endPoint);
            await socket.SendAsync(Connect(id, line[(id.Length + 1)..]));
            var connack = new byte[4];
            await ReadAsync(socket, connack);
            if (connack[3] != 0) throw new InvalidOperationException($"CONNACK {connack[3]} for {id}");
            sockets.Add((socket, id));
        }

        await Console.In.ReadLineAsync();
        var work = sockets.Select(s => PublishAsync(s.Socket, s.Id, stop.Task)).ToList();
        await Console.In.ReadLineAsync();
        stop.SetResult();
        await Task.WhenAll(work);
    }

    private static async Task PublishAsync(Socket socket, string id, Task stop)
    {
        var packet = Publish($"devices/{id}/messages/events/headerType=telemetry&%24.ct=application%2Foctet-stream", new byte[100]);
        var puback = new byte[4];
        while (!stop.IsCompleted)
        {
            await socket.SendAsync(packet);
            await ReadAsync(socket, puback);
            if (puback[0] != 0x40) throw new InvalidOperationException($"Packet {puback[0]:x2} in place of a PUBACK");
        }

        socket.Dispose();
    }

    private static async Task ReadAsync(Socket socket, byte[] buffer)
    {
        for (var read = 0; read < buffer.Length;)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(read));
            if (count == 0) throw new IOException("The gateway has closed the connection.");
            read += count;
        }
    }

    private static byte[] Connect(string id, string token) =>
        Packet(0x10, [0, 4, .. "MQTT"u8, 4, 0b1100_0010, 0, 240, .. Text(id), .. Text($"localhost/{id}/?api-version=2021-04-12"), .. Text(token)]);

    private static byte[] Publish(string topic, byte[] body) => Packet(0x32, [.. Text(topic), 0, 1, .. body]);

    private static byte[] Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)bytes.Length);
        return [.. length, .. bytes];
    }

    private static byte[] Packet(byte flags, byte[] rest) =>
        rest.Length < 128 ? [flags, (byte)rest.Length, .. rest] : [flags, (byte)((rest.Length & 0x7F) | 0x80), (byte)(rest.Length >> 7), .. rest];

    private static long Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: false);
    }
}
