using Pumps.LocalRegion.Cli;
using Pumps.LocalRegion.Gateway;
using Spectre.Console;
using Region = Pumps.LocalRegion.Region;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class EnrollmentKeyCommandTests
{
    private const string Id = "dp2-70b3d57ed0000001";

    private DirectoryInfo _data = null!;

    [SetUp]
    public void MakeFolder() => _data = Directory.CreateTempSubdirectory("pumps-enrollment-");

    [TearDown]
    public void RemoveFolder() => _data.Delete(true);

    [Test]
    public void The_key_of_a_device_is_printed_and_nothing_else()
    {
        var folder = Region.GatewayFolder(_data.FullName);
        Directory.CreateDirectory(folder);
        var group = EnrollmentGroup.Open(folder);

        Assert.That(Run(Id, "--data", _data.FullName), Is.EqualTo((0, group.PrimaryKeyOf(Id) + Environment.NewLine)));
    }

    [Test]
    public void Where_there_is_no_region_the_way_to_one_is_said()
    {
        var (code, text) = Run(Id, "--data", _data.FullName);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("pumps up"));
        Assert.That(Directory.Exists(Region.GatewayFolder(_data.FullName)), Is.False, "asking makes no keys");
    }

    [TestCase("")]
    [TestCase("dp2/other")]
    public void What_is_no_device_id_has_no_key(string id)
    {
        var (code, text) = Run(id, "--data", _data.FullName);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("is no device id"));
    }

    private static (int Code, string Text) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 400;
        var code = DevicesCommand.Create(console, TimeProvider.System).Parse(["enrollment-key", .. arguments]).Invoke();
        return (code, output.ToString());
    }
}
