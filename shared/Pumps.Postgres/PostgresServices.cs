using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.Handlers.Schedules;

namespace Pumps.Postgres;

public static class PostgresServices
{
    // Statements of the store and the queries; each session prepares what it has used often.
    private const int PreparedMax = 50;

    /// <summary>Storage in PostgreSQL. The host runs <see cref="Migrator"/> and <see cref="Partitions"/> before anything else.</summary>
    public static IServiceCollection AddPostgres(
        this IServiceCollection services, string connectionString, IReadOnlyList<CounterDefinition> counters) =>
        services.AddPostgres(CreateDataSource(connectionString), counters);

    public static IServiceCollection AddPostgres(
        this IServiceCollection services, NpgsqlDataSource database, IReadOnlyList<CounterDefinition> counters)
    {
        RuntimeHelpers.RunClassConstructor(typeof(Sql).TypeHandle);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(_ => database);
        services.AddOptions<PostgresOptions>().BindConfiguration(PostgresOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(s => s.GetRequiredService<IOptions<PostgresOptions>>().Value);
        services.AddSingleton(new Counters(counters));
        services.AddSingleton<Migrator>();
        services.AddSingleton<Partitions>();
        services.AddSingleton<RollUps>();
        services.AddSingleton<IDeviceDirectory, DeviceTable>();
        services.AddSingleton<ICustomerDirectory, CustomerTables>();
        services.AddSingleton<IConnectionStore, ConnectionTable>();
        services.AddSingleton<IClockStore, ClockTable>();
        services.AddSingleton<IDatapointStore, DatapointStore>();
        services.AddSingleton<IDatapointQueries, DatapointQueries>();
        services.AddSingleton<ICommandStore, CommandStore>();
        services.AddSingleton<IRequestAudit, RequestAuditTable>();
        services.AddSingleton<DeadLetters>();
        services.AddSingleton<IDeadLetters>(s => s.GetRequiredService<DeadLetters>());
        services.AddSingleton<IDeadLetterQueries>(s => s.GetRequiredService<DeadLetters>());
        services.AddSingleton<ICensus, CensusTables>();
        services.AddSingleton<IScheduleStore, ScheduleStore>();
        services.AddSingleton<IFirmwareImages, FirmwareImages>();
        services.AddSingleton<RolloutStore>();
        services.AddSingleton<IRolloutStore>(s => s.GetRequiredService<RolloutStore>());
        services.AddSingleton<ITransferStore>(s => s.GetRequiredService<RolloutStore>());
        services.AddSingleton<IOrderStore, OrderTable>();
        services.AddSingleton<IBulkStore, BulkTable>();
        services.AddSingleton<IClaimStore, ClaimTable>();
        services.AddSingleton<DeviceRows>();
        services.AddSingleton<IDeviceRows>(s => s.GetRequiredService<DeviceRows>());
        services.AddSingleton<IDeviceTargets>(s => s.GetRequiredService<DeviceRows>());
        return services;
    }

    /// <summary>A pool with prepared statements.</summary>
    public static NpgsqlDataSource CreateDataSource(string connectionString) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = PreparedMax, AutoPrepareMinUsages = 3 });
}
