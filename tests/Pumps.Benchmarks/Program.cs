using System.CommandLine;
using Pumps.Benchmarks.Codecs;
using Pumps.Benchmarks.Commands;
using Pumps.Benchmarks.Gateway;
using Pumps.Benchmarks.Mqtt;
using Pumps.Benchmarks.Pipeline;
using Pumps.Benchmarks.Queries;
using Spectre.Console;

// The gateway's own load test and the process of its clients.
switch (args)
{
    case ["gateway", .. var rest]:
        await GatewayLoad.RunAsync(rest);
        return 0;
    case ["gateway-clients", .. var rest]:
        await GatewayLoad.RunClientsAsync(rest);
        return 0;
    default:
        break;
}

var console = AnsiConsole.Console;
var root = new RootCommand("Measures this machine: each figure with what it is held against, in the same run.")
{
    CodecVerdicts.Create(console),
    PipelineBenchmark.Create(console),
    MqttBenchmark.Create(console),
    QueryBenchmark.Create(console),
    CommandBenchmark.Create(console),
};
var each = root.Subcommands.Select(c => c.Name).ToList();
var all = new Command("all", "Everything, one after the other, with the defaults; most of an hour.");
all.SetAction(async (_, cancel) =>
{
    var worst = 0;
    foreach (var name in each)
    {
        console.Write(new Rule(name).LeftJustified());
        worst = Math.Max(worst, await root.Parse([name]).InvokeAsync(cancellationToken: cancel));
    }

    return worst;
});
root.Subcommands.Add(all);
return await root.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(3) });
