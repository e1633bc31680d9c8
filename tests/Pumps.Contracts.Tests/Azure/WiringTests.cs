using System.Diagnostics;
using Microsoft.Azure.Devices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pumps.Azure;
using Pumps.Azure.EventHubs;
using Pumps.Azure.ServiceBus;
using Pumps.Core.Offerings;
using Pumps.Datapoints;
using Pumps.Handlers;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The services of the apps' Program.cs, without the Functions host and without a network.</summary>
public sealed class WiringTests
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);

    private static IEnumerable<Type> FunctionClasses => FunctionApp.All.SelectMany(app => app.Functions).Select(f => f.Method.DeclaringType!).Distinct();

    [TestCaseSource(nameof(FunctionClasses))]
    public async Task The_services_of_an_app_build_the_class_of_its_functions(Type functions)
    {
        await using var services = Services(Sample());

        Assert.That(ActivatorUtilities.CreateInstance(services, functions), Is.Not.Null);
    }

    [Test]
    public async Task The_feeds_are_published_to_Event_Hubs()
    {
        await using var services = Services(Sample());

        Assert.That(services.GetRequiredService<IHubPublisher>(), Is.TypeOf<EventHubsPublisher>());
    }

    /// <summary>A dead letter goes back to the hub that it was read from, whichever namespace that is in.</summary>
    [Test]
    public async Task A_hub_is_published_to_in_its_own_namespace()
    {
        await using var services = Services(Sample());
        var publisher = (EventHubsPublisher)services.GetRequiredService<IHubPublisher>();

        Assert.That(Catalog.Routes.RawHubs.Select(h => publisher.NamespaceOf(h.Name)), Has.All.StartsWith("<raw namespace>"));
        Assert.That(Catalog.Routes.FeedHubs.Select(h => publisher.NamespaceOf(h.Name)), Has.All.StartsWith("<feed namespace>"));
    }

    [TestCase("FeedHubs:fullyQualifiedNamespace")]
    [TestCase("RawHubs:fullyQualifiedNamespace")]
    public async Task A_missing_namespace_stops_the_app_at_its_start_and_is_named(string setting)
    {
        await using var services = Services(Sample(without: setting));

        Assert.That(
            () => services.GetRequiredService<IStartupValidator>().Validate(),
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains(setting));
    }

    [Test]
    public async Task A_missing_offering_stops_the_app_at_its_start_and_is_named()
    {
        await using var services = Services(Sample(without: "Offering"));

        Assert.That(
            () => services.GetRequiredService<IStartupValidator>().Validate(),
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains("setting Offering"));
    }

    [TestCase("Postgres:HistoryKept", "0.23:00:00")]
    [TestCase("Postgres:HoursKept", "30.00:00:00")]
    [TestCase("Postgres:DaysKept", "364.00:00:00")]
    [TestCase("Postgres:PartitionsAhead", "61.00:00:00")]
    public async Task A_wrong_setting_of_the_storage_stops_the_app_at_its_start_and_is_named(string setting, string value)
    {
        await using var services = Services(new ConfigurationBuilder().AddConfiguration(Sample()).AddInMemoryCollection([KeyValuePair.Create(setting, (string?)value)]).Build());

        Assert.That(
            () => services.GetRequiredService<IStartupValidator>().Validate(),
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains(setting.Split(':')[1]));
    }

    [Test]
    public async Task A_firmware_key_that_is_none_stops_the_app_at_its_start_and_is_named()
    {
        var key = FunctionApp.All.Single(a => a.Name == "Portal").SampleSettings["Firmware__TrustedKeys__0"];
        await using var services = Services(new ConfigurationBuilder().AddConfiguration(Sample()).AddInMemoryCollection([KeyValuePair.Create("Firmware:TrustedKeys:0", (string?)key)]).Build());

        Assert.That(
            () => services.GetRequiredService<IStartupValidator>().Validate(),
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains(key));
    }

    [Test]
    public async Task Due_transfers_wait_in_Service_Bus()
    {
        await using var services = Services(Sample());

        Assert.That(services.GetRequiredService<ITransferQueue>(), Is.TypeOf<TransferQueue>());
    }

    [Test]
    public async Task The_storage_keeps_history_as_long_as_the_settings_say()
    {
        await using var services = Services(new ConfigurationBuilder().AddConfiguration(Sample()).AddInMemoryCollection([KeyValuePair.Create("Postgres:HistoryKept", (string?)"30.00:00:00")]).Build());

        Assert.That(services.GetRequiredService<PostgresOptions>().HistoryKept, Is.EqualTo(TimeSpan.FromDays(30)));
    }

    [Test]
    public void A_missing_connection_string_is_named()
    {
        var sample = Sample(without: "ConnectionStrings:Postgres");

        Assert.That(
            () => AzureIdentity.Database(sample, AzureIdentity.Credential(sample)),
            Throws.InvalidOperationException.With.Message.Contains("ConnectionStrings__Postgres"));
    }

    internal static ServiceProvider Services(IConfiguration configuration)
    {
        var identity = AzureIdentity.Credential(configuration);
        var services = new ServiceCollection();
        services.AddSingleton(configuration).AddLogging();
        services.AddOptions<OfferingOptions>().BindConfiguration("").ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddPumpHandlers(Catalog)
            .AddDeviceHandlers()
            .AddPostgres(AzureIdentity.Database(configuration, identity), CatalogCounters.Of(Catalog))
            .AddAzureAdapters(identity)
            .AddReplay()
            .AddIotHub()
            .AddServiceBus()
            .AddPortalApi()
            .AddHealthChecks().AddAppChecks().Services
            .AddSingleton<PortalGuard>(SiteGuard.AskAsync)
            .AddSingleton(PortalApi.Build)
            // Of the web host that ConfigureFunctionsWebApplication makes.
            .AddSingleton(new DiagnosticListener("web"))
            // Its real making is a signature without behaviour where the package is not there.
            .AddSingleton<ServiceClient>(new SilentHub())
            .AddSingleton<RegistryManager>(new SilentRegistry())
            .BuildServiceProvider(validateScopes: true);
    }

    private sealed class SilentHub : ServiceClient;

    private sealed class SilentRegistry : RegistryManager;

    /// <summary>
    /// The sample settings of all apps, as the Functions host hands them to the worker: environment variables. What the sample says of a firmware key is
    /// none, and stops whoever leaves it there.
    /// </summary>
    internal static IConfiguration Sample(string? without = null) => new ConfigurationBuilder()
        .AddInMemoryCollection(FunctionApp.All.SelectMany(app => app.SampleSettings).DistinctBy(s => s.Key)
            .Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), (string?)s.Value))
            .Where(s => s.Key != without && s.Key != "Firmware:TrustedKeys:0"))
        .Build();
}
