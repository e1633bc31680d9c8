using System.Net;
using Microsoft.Extensions.Logging;
using Pumps.LocalRegion;

namespace Pumps.Journeys.Tests;

/// <summary>A region in the process of the test, on free ports, with a data folder and a PostgreSQL of its own.</summary>
internal sealed class HostedRegion : RunningRegion
{
    private readonly RegionOptions _options;

    private HostedRegion(RegionOptions options, Region region) => (_options, Region) = (options, region);

    public Region Region { get; }

    public override string DataFolder => _options.DataFolder;

    public override Uri Url => Region.Url;

    public override IPEndPoint Mqtt => Region.Gateway.PlainEndPoint!;

    protected override string DatabaseConnection => Region.Postgres!.ConnectionString("pumps");

    /// <param name="change">What is special about this region.</param>
    /// <param name="time">Its clock, when that is not the system's.</param>
    /// <param name="logging">Where its log goes; null: warnings, to the test's output.</param>
    public static async Task<HostedRegion> StartAsync(
        Func<RegionOptions, RegionOptions>? change = null, TimeProvider? time = null, Action<ILoggingBuilder>? logging = null)
    {
        var options = new RegionOptions { DataFolder = NewFolder(), HttpPort = 0, MqttTlsPort = 0, MqttPlainPort = 0 };
        options = change?.Invoke(options) ?? options;
        return new(options, await Region.StartAsync(
            options, logging ?? (builder => builder.SetMinimumLevel(LogLevel.Warning).AddProvider(new TestLog())), time ?? TimeProvider.System, CancellationToken.None));
    }

    /// <summary>Stops in order, as Ctrl-C does; the data stays.</summary>
    public async Task StopAsync()
    {
        await base.DisposeAsync();
        await Region.DisposeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Region.DisposeAsync();
        Directory.Delete(DataFolder, recursive: true);
    }

    /// <summary>What the region has to say stands in the test's output.</summary>
    private sealed class TestLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            TestContext.Progress.WriteLine($"region: {logLevel} {formatter(state, exception)} {exception?.Message}");

        public void Dispose()
        {
            // Holds nothing.
        }
    }
}
