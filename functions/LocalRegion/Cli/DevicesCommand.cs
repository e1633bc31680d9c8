using System.CommandLine;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices</c>: what the maker's staff does with devices of the running region.</summary>
public static class DevicesCommand
{
    public static Command Create(IAnsiConsole console) =>
        new("devices", "See to the devices of the running region.") { GiveCommand.Create(console), EnrollmentKeyCommand.Create(console) };
}
