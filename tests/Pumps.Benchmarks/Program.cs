using System.CommandLine;
using Pumps.Benchmarks.Gateway;
using Pumps.Benchmarks.Pipeline;
using Spectre.Console;

if (args is ["gateway", .. var gateway])
{
    await GatewayLoad.RunAsync(gateway);
    return 0;
}

if (args is ["gateway-clients", .. var clients])
{
    await GatewayLoad.RunClientsAsync(clients);
    return 0;
}

var root = new RootCommand("Measures this machine: each figure with what it is held against, in the same run.")
{
    PipelineBenchmark.Create(AnsiConsole.Console),
};
return await root.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(3) });
