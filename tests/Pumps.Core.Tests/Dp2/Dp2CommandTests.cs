using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

/// <summary>Commands (section 8.1) are strict, and checked in the order of the specification.</summary>
public sealed class Dp2CommandTests
{
    private const long Later = Dp2Samples.ReceivedAtMs;

    private static DecodeError Decode(
        uint code, Action<Dp2PointsWriter>? arguments, out Dp2Frame frame, ulong expires = Later, ushort dictionary = 0x0101, ushort revision = 3,
        Dp2PathStep[]? path = null) =>
        Dp2Samples.Decode(
            Dp2Encoder.Encode(Dp2Samples.Header, new Dp2Command([1, 2, 3, 4], code, expires, path), dictionary, revision, arguments),
            out frame, Dp2Samples.Down);

    private static IEnumerable<TestCaseData> Cases()
    {
        yield return Case("set_speed 1000", 18, p => p.Unsigned(37, 1000), DecodeError.None);
        yield return Case("start", 16, null, DecodeError.None);
        yield return Case("start with empty arguments", 16, _ => { }, DecodeError.None);
        yield return Case("an unknown code", 99, null, DecodeError.Command);
        yield return Case("a system code", 1, null, DecodeError.Command);
        yield return Case("order: unknown code, bad argument", 99, p => p.Unsigned(1, 1), DecodeError.Command);
        yield return Case("a structural id", 18, p => p.Unsigned(1, 1).Unsigned(37, 1000), DecodeError.Field);
        yield return Case("an unknown id", 18, p => p.Unsigned(37, 1000).Unsigned(900, 1), DecodeError.Field);
        yield return Case("another wire type", 18, p => p.Signed(37, 1000), DecodeError.WireType);
        yield return Case("twice", 18, p => p.Unsigned(37, 1000).Unsigned(37, 1000), DecodeError.Duplicate);
        yield return Case("order: twice and out of range", 18, p => p.Unsigned(37, 1000).Unsigned(37, 9999), DecodeError.Duplicate);
        yield return Case("out of range", 18, p => p.Unsigned(37, 6001), DecodeError.Range);
        yield return Case("an unknown enum code", 21, p => p.Unsigned(24, 9), DecodeError.Range);
        yield return Case("null", 18, p => p.Null(37), DecodeError.Range);
        yield return Case("extra", 18, p => p.Unsigned(37, 1000).Unsigned(24, 1), DecodeError.Field);
        yield return Case("missing", 18, null, DecodeError.Missing);
        yield return Case("order: extra and missing", 18, p => p.Unsigned(24, 1), DecodeError.Field);
        yield return Case("order: out of range, then an unknown id", 18, p => p.Unsigned(37, 6001).Unsigned(900, 1), DecodeError.Range);
        yield return Case("a decimal of its own exponent", 19, p => p.Decimal(36, 425, -2), DecodeError.None);
        yield return Case("a decimal of its own exponent, out of range", 19, p => p.Decimal(36, 26, 0), DecodeError.Range);
    }

    private static TestCaseData Case(string name, int code, Action<Dp2PointsWriter>? arguments, DecodeError expected) =>
        new TestCaseData((uint)code, arguments, expected).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Cases))]
    public void A_command_gives_the_first_check_it_fails(uint code, Action<Dp2PointsWriter>? arguments, DecodeError expected)
    {
        Assert.That(Decode(code, arguments, out _), Is.EqualTo(expected));
        // Whatever is wrong with a command is told before its age.
        Assert.That(Decode(code, arguments, out var frame, expires: 1), Is.EqualTo(expected is DecodeError.None ? DecodeError.Expired : expected));
        Assert.That(((Dp2Command)frame.Body!).Correlation, Is.EqualTo(new byte[] { 1, 2, 3, 4 }), "a device answers by the correlation");
    }

    [TestCase(0UL, DecodeError.None)]
    [TestCase((ulong)Later - 1, DecodeError.Expired)]
    [TestCase((ulong)Later, DecodeError.None)]
    public void A_command_is_good_until_it_expires(ulong expires, DecodeError expected) =>
        Assert.That(Decode(16, null, out _, expires), Is.EqualTo(expected));

    [TestCase(0x7001, 1, DecodeError.Dict)]
    [TestCase(0x0101, 4, DecodeError.Dict)]
    [TestCase(0x0101, 1, DecodeError.None)]
    public void The_device_must_know_dictionary_and_revision(int dictionary, int revision, DecodeError expected) =>
        Assert.That(Decode(16, null, out _, dictionary: (ushort)dictionary, revision: (ushort)revision), Is.EqualTo(expected));

    [TestCase(20u, 18u, DecodeError.None)]
    [TestCase(22u, 18u, DecodeError.Command)]
    [TestCase(99u, 18u, DecodeError.Dict)]
    [TestCase(16u, 18u, DecodeError.Dict)]
    public void A_path_leads_to_the_dictionary_of_its_container(uint group, uint code, DecodeError expected)
    {
        var error = Decode(code, p => p.Unsigned(37, 1000), out var frame, dictionary: 0x0102, revision: 1, path: [new(group, 2)]);
        Assert.That(error, Is.EqualTo(expected));
        if (expected is DecodeError.None)
            Assert.That(Dp2Samples.Json(frame).GetProperty("body").GetProperty("path").GetString(), Is.EqualTo("pumps[2]"));
    }

    [Test]
    public void An_event_about_a_container_takes_names_and_points_from_its_dictionary()
    {
        var frame = Dp2Samples.Good(Dp2Encoder.Encode(
            Dp2Samples.Header, new Dp2Event(16, 4, Path: [new(20, 2)], Transition: new Dp2Transition(2, 99)), 0x0102, 1, p => p.Signed(16, 5)));
        var body = Dp2Samples.Json(frame).GetProperty("body");
        Assert.Multiple(() =>
        {
            Assert.That(body.GetProperty("name").GetString(), Is.EqualTo("dry_run"));
            Assert.That(body.GetProperty("path").GetString(), Is.EqualTo("pumps[2]"));
            Assert.That(body.GetProperty("transition").GetProperty("fromLabel").GetString(), Is.EqualTo("running"));
            Assert.That(body.GetProperty("transition").GetProperty("toLabel").GetString(), Is.Null);
            Assert.That(body.GetProperty("points")[0].GetProperty("path").GetString(), Is.EqualTo("pumps[2]"));
            Assert.That(frame.Warnings, Is.EqualTo(DecodeWarnings.Enum));
        });
    }

    [TestCase(0x0101, 15u, true, TestName = "Event names: a system code outside its table")]
    [TestCase(0x0101, 9u, false, TestName = "Event names: a system code")]
    [TestCase(0x0101, 99u, true, TestName = "Event names: a code the dictionary does not have")]
    [TestCase(0x7001, 99u, false, TestName = "Event names: no dictionary, no table")]
    [TestCase(0x7001, 15u, true, TestName = "Event names: system codes need no dictionary")]
    public void A_code_outside_a_table_that_exists_is_warned_of(int dictionary, uint code, bool warned)
    {
        var frame = Dp2Samples.Good(Dp2Encoder.Encode(Dp2Samples.Header, new Dp2Event(code, 0), (ushort)dictionary, 1));
        Assert.That(frame.Warnings.HasFlag(DecodeWarnings.Enum), Is.EqualTo(warned));
    }
}
