using System.CommandLine;
using Pumps.LocalRegion.Gateway;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps devices enrollment-key</c>: the key with which one device registers, for factories' tools and for trying.</summary>
/// <remarks>Reads the region's data folder, whether the region runs or not: keys do not go over its API.</remarks>
public static class EnrollmentKeyCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var id = new Argument<string>("id") { Description = "The device's id, which is its registration id." };
        var data = new Option<DirectoryInfo>("--data") { Description = "Data folder of the region.", DefaultValueFactory = _ => new(".local") };
        var command = new Command("enrollment-key", "Print the key with which a device registers, base64 and nothing else.") { id, data };
        command.SetAction(parsed => Run(console, parsed.GetValue(id)!, parsed.GetValue(data)!));
        return command;
    }

    private static int Run(IAnsiConsole console, string id, DirectoryInfo data)
    {
        if (!DeviceRegistry.IsId(id))
            return Fail(console, $"\"{id}\" is no device id; one is dp1-<serial number> or dp2-<EUI-64, 16 hex digits in lower case>.");
        var file = EnrollmentGroup.FileIn(Region.GatewayFolder(data.FullName));
        if (!File.Exists(file))
            return Fail(console, $"There is no enrollment group in {data.FullName}. A region makes it at its first start: \"pumps up\".");

        try
        {
            console.Profile.Out.Writer.WriteLine(EnrollmentGroup.Read(file).PrimaryKeyOf(id));
            return 0;
        }
        catch (InvalidOperationException fault)
        {
            return Fail(console, fault.Message);
        }
    }

    private static int Fail(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
