using Pumps.Benchmarks.Gateway;

switch (args)
{
    case ["gateway", .. var rest]:
        await GatewayLoad.RunAsync(rest);
        break;
    case ["gateway-clients", .. var rest]:
        await GatewayLoad.RunClientsAsync(rest);
        break;
    default:
        BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(GatewayLoad).Assembly).Run(args);
        break;
}

return 0;
