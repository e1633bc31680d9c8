using System.CommandLine;
using Pumps.Core.Protocols;
using Pumps.Handlers.Firmware;
using Pumps.LocalRegion.Cli;
using Spectre.Console;

// What is piped on is read by programs: a line is a line, however long.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 10_000;

var root = new RootCommand("One region of the platform on one machine.")
{
    UpCommand.Create(AnsiConsole.Console),
    StatusCommand.Create(AnsiConsole.Console),
    DevicesCommand.Create(AnsiConsole.Console, TimeProvider.System),
    FirmwareCommand.Create(AnsiConsole.Console, TimeProvider.System),
    ReplayCommand.Create(AnsiConsole.Console),
    MigrateCommand.Create(AnsiConsole.Console),
    DecodeCommand.Create(Keys),
    VectorsCommand.Create(Keys),
    PlanCommand.Create(AnsiConsole.Console),
};

// A region stops in order: devices, hubs, database. That takes longer than the two seconds that commands get by default.
return await root.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(3) });

static IFirmwareSignatures Keys(IReadOnlyDictionary<string, string> hex) =>
    new Ed25519Signatures(hex.ToDictionary(key => key.Key, key => Convert.FromHexString(key.Value)));
