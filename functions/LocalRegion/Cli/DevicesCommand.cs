using System.CommandLine;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices</c>: what the maker's staff does with devices of the running region.</summary>
public static class DevicesCommand
{
    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var devices = new Command("devices", "Order devices, and see to them later.");
        DeviceOrders.AddTo(devices, console, time);
        return devices;
    }
}
