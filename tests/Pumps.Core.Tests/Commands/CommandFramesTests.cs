using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Core.Tests.Fleet;
using Pumps.Fleet;
using Pumps.Fleet.Machines;
using Pumps.Handlers.Offerings;

namespace Pumps.Core.Tests.Commands;

/// <summary>Commands of the real catalog as frames, read by the decoder and by a simulated device.</summary>
public sealed class CommandFramesTests
{
    private const ulong Device = 0x00A1B2C3D4E5F607;
    private const string Correlation = "0123456789abcdef";

    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>DP2 specification, section 15, example 8, but for the expiry and the place: one of a station's pumps.</summary>
    [Test]
    public void A_command_for_a_part_names_the_way_to_it_and_keeps_to_the_parts_dictionary()
    {
        var frame = Encode("irrigation-station", "pumps[2].set_pressure", """{ "setpoint_pressure": 4.25 }""");

        Assert.That(Convert.ToHexString(frame), Does.Contain("10820218012013"), "dictionary 258, revision 1, code 19");
        Assert.That(Convert.ToHexString(frame), Does.Contain("3704A102D2063A021402"), "setpoint_pressure 4.25 for instance 2 of group 20");
        var read = Read(frame);
        var command = (Dp2Command)read.Body!;
        var argument = read.Points.Points[0];
        Assert.That((command.Name, command.PathText, argument.Id, argument.Bits), Is.EqualTo(("set_pressure", "pumps[2]", 36u, 425ul)));
    }

    [Test]
    public void Every_command_of_the_catalog_is_one_that_a_device_understands([ValueSource(nameof(Dp2Commands))] string product, [Values(1, 8)] int instance)
    {
        foreach (var command in Catalog.Products[product].Commands)
        {
            var arguments = command.Arguments.ToDictionary(a => a.Name, a => JsonSerializer.SerializeToElement<object>(
                a.Labels?[(uint)a.Min] ?? (object)a.Min));
            var name = command.Name.Replace("[]", $"[{instance}]", StringComparison.Ordinal);
            var read = Read(Encode(product, name, JsonSerializer.Serialize(arguments)));

            Assert.That(((Dp2Command)read.Body!).Name, Is.EqualTo(name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..]));
        }
    }

    private static IEnumerable<string> Dp2Commands => Catalog.Products.Values.Where(p => p.Protocol is Protocol.Dp2).Select(p => p.Id).Order();

    [TestCase("pumps[1].stop", true)]
    [TestCase("pumps[8].stop", true)]
    [TestCase("pumps[0].stop", false)]
    [TestCase("pumps[9].stop", false)]
    [TestCase("pumps[].stop", false)]
    [TestCase("stop", true)]
    public void The_product_says_how_many_parts_there_are(string given, bool taken)
    {
        var (command, instance) = Catalog.Products["irrigation-station"].Find(given);

        Assert.That(command!.Takes(instance), Is.EqualTo(taken));
    }

    [TestCase("pumps[01].stop")]
    [TestCase("pumps[+1].stop")]
    [TestCase("pumps[1.stop")]
    [TestCase("pumps]1[.stop")]
    [TestCase("pumps[1]stop")]
    [TestCase("pumps[99999999999].stop")]
    [TestCase("zones[1].stop")]
    [TestCase("stop[1]")]
    [TestCase("")]
    public void What_is_no_name_of_a_command_finds_none(string given) =>
        Assert.That(Catalog.Products["irrigation-station"].Find(given).Command, Is.Null);

    [TestCase("pumps[1].stop", "pumps[1].start", true)]
    [TestCase("pumps[1].stop", "pumps[2].start", false)]
    [TestCase("pumps[1].stop", "start", true)]
    [TestCase("stop", "start", true)]
    public void Commands_meet_in_the_same_part_or_when_one_is_for_all(string one, string other, bool meet) =>
        Assert.That((ProductCommand.Meet(one, other), ProductCommand.Meet(other, one)), Is.EqualTo((meet, meet)));

    /// <summary>The instant and the clock of DP1's worked example 1.</summary>
    [TestCase(120, 802_101_600u)]
    [TestCase(0, 802_094_400u)]
    [TestCase(-210, 802_081_800u)]
    public void A_dp1_clock_is_set_to_the_civil_time_of_the_moment_of_sending(int utcOffset, uint clock)
    {
        var command = Catalog.Products["irrigation-pump-v1"].Find("set_clock").Command!;
        var frame = CommandFrames.Encode(Protocol.Dp1, 4711001, command, null, [], "7", 1, Noon, Noon.AddSeconds(60), utcOffset);

        var telegram = new Dp1Telegram();
        Assert.That(Dp1Decoder.TryDecode(frame, new(Direction.Down, Noon.ToUnixTimeMilliseconds(), 0, 4711001, Catalog.Dictionaries), telegram), Is.EqualTo(DecodeError.None));
        Assert.That(telegram.Command, Is.EqualTo(new Dp1Command(7, 8, 0, clock)));
        Assert.That(command.Repeatable, Is.False, "a queue would keep a time until it is old");
    }

    [TestCase("pumps[2].stop", (byte)2, null, TestName = "A_pump_of_a_station_stops_alone")]
    [TestCase("pumps[4].stop", (byte)3, (byte)2, TestName = "A_station_with_three_pumps_refuses_the_fourth")]
    [TestCase("pumps[2].reset_alarms", (byte)3, (byte)1, TestName = "A_station_says_what_its_pumps_do_not_know")]
    public void A_simulated_station_takes_commands_for_its_pumps(string given, byte status, byte? reason)
    {
        const long midnight = IrrigationPumpTests.Midnight;
        var device = DeviceTests.Device(FleetProduct.IrrigationStation, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(midnight, way);
        way.Clear();
        var station = (IrrigationStation)device.Machine;
        station.Execute(Order.Start);
        device.Receive(Encode("irrigation-station", given, "{}", device.Spec.Number, DateTimeOffset.FromUnixTimeMilliseconds(midnight)), midnight + 1_000, way);

        var answer = new Dp2Frame();
        Assert.That(Dp2Decoder.TryDecode(way[0].Bytes, new(Direction.Up, null, 0, device.Spec.Number, Catalog.Dictionaries), answer), Is.EqualTo(DecodeError.None));
        var response = (Dp2Response)answer.Body!;
        Assert.That((response.Status, response.Reason is 0 ? null : response.Reason), Is.EqualTo((status, reason)));

        station.AdvanceTo(midnight + 3_600_000);
        Assert.That(station.Pumps[1].Turning, Is.EqualTo(reason is not null));
        Assert.That(station.PumpsRunning, Is.GreaterThan(0));
    }

    private static byte[] Encode(string product, string given, string arguments, ulong device = Device, DateTimeOffset? now = null)
    {
        var (command, instance) = Catalog.Products[product].Find(given);
        var faults = new List<ArgumentFault>();
        var values = command!.Bind(JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(arguments)!, faults);
        Assert.That(faults, Is.Empty);
        return CommandFrames.Encode(Protocol.Dp2, device, command, instance, values, Correlation, 3, now ?? Noon, (now ?? Noon).AddMinutes(1));
    }

    private static Dp2Frame Read(byte[] frame)
    {
        var read = new Dp2Frame();
        var error = Dp2Decoder.TryDecode(frame, new(Direction.Down, Noon.ToUnixTimeMilliseconds(), 0, Device, Catalog.Dictionaries), read);
        Assert.That(error, Is.EqualTo(DecodeError.None));
        return read;
    }
}
