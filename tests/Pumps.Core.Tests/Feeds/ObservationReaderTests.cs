using System.Text;
using CsCheck;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Hubs;

namespace Pumps.Core.Tests.Feeds;

public sealed class ObservationReaderTests
{
    private const string Head =
        """{"device":"dp1-4711001","observedAt":"2025-06-01T12:00:00.000Z","receivedAt":"2025-06-01T12:00:01.500Z","sequence":17,"clock":"ok","historical":false""";

    private static readonly string[] Bodies =
    [
        Head + ""","points":{"flow":24.30,"speed":2905,"pump_state":"running","pressure_in":-0.21,"dry":true,"wet":false},"quality":{"soil_moisture":"not_available"}}""",
        Head + ""","points":{"flow":0.00},"quality":{"x":{"quality":"out_of_range","value":4.0},"y":{"quality":"type_mismatch","raw":"0a0b"}}}""",
        Head + ""","points":{},"quality":{"flow":"not_available"}}""",
        Head + ""","points":{"ratio":1E-05,"note":"a\\u0022b","none":null}}""",
        Head + ""","events":[{"name":"dry_run","severity":"critical","phase":"raised"}],"points":{"pumps[1].flow":0.2}}""",
        Head.Replace("\"ok\"", "\"future\"", StringComparison.Ordinal) + ""","points":{"flow":1}}""",
        Head + ""","points":{}}""",
    ];

    private static readonly Gen<(int Body, (int At, int Kind, char Value)[] Changes)> Mutations = Gen.Select(
        Gen.Int[0, Bodies.Length - 1],
        Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 3], Gen.OneOf(Gen.Char["{}[],:\"\\-+.0123e Ztfn\n"], Gen.Char['\0', '\u00FF'])).Array[0, 3]);

    [Test]
    public void The_usual_text_and_any_other_with_the_same_meaning_give_the_same()
    {
        // A space at the end makes no difference to JSON, and is never written.
        var good = 0;
        Mutations.Sample(
            mutation =>
            {
                var body = Mutate(Bodies[mutation.Body], mutation.Changes);
                var usual = Outcome(body);
                good += usual.StartsWith("fault", StringComparison.Ordinal) ? 0 : 1;
                return usual == Outcome(body + " ");
            },
            iter: 100_000, threads: 1, seed: "0000Feed1234");

        Assert.That(good, Is.InRange(30_000, 70_000), "bodies that can be read");
    }

    [Test]
    public void An_observation_is_read_as_it_was_written()
    {
        Assert.That(Read(Bodies[0], out var observation), Is.True);
        Assert.That(
            (observation.DeviceId, observation.ObservedAt, observation.ReceivedAt, observation.Sequence, observation.Clock, observation.Historical),
            Is.EqualTo(("dp1-4711001", new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero), new DateTimeOffset(2025, 6, 1, 12, 0, 1, 500, TimeSpan.Zero), 17, "ok", false)));
        Assert.That(Encoding.UTF8.GetString(observation.Points.Span), Does.StartWith("{\"flow\":24.30,").And.EndWith("\"wet\":false}"));
        Assert.That(Encoding.UTF8.GetString(observation.Quality.Span), Is.EqualTo("""{"soil_moisture":"not_available"}"""));
    }

    [Test]
    public void An_event_without_datapoints_is_nothing_to_keep() => Assert.That(Read(Bodies[^1], out _), Is.False);

    private static string Outcome(string body)
    {
        try
        {
            var kept = Read(body, out var o);
            return $"{kept} {o.ObservedAt:O} {o.ReceivedAt:O} {o.Sequence} {o.Clock} {o.Historical} {Encoding.Latin1.GetString(o.Points.Span)} {Encoding.Latin1.GetString(o.Quality.Span)}";
        }
        catch (FormatException)
        {
            return "fault";
        }
    }

    private static bool Read(string body, out Observation observation) =>
        ObservationReader.TryRead(new HubEvent(1, default, "dp1-4711001", new([]), Encoding.Latin1.GetBytes(body)), out observation);

    private static string Mutate(string body, (int At, int Kind, char Value)[] changes)
    {
        var text = new StringBuilder(body);
        foreach (var (place, kind, value) in changes)
        {
            var at = place % text.Length;
            switch (kind)
            {
                case 0: text[at] = value; break;
                case 1: text.Insert(at, value); break;
                case 2 when text.Length > 1: text.Remove(at, 1); break;
                case 3: text.Insert(at, text.ToString(at, Math.Min(value & 15, text.Length - at))); break;
                default: break;
            }
        }

        return text.ToString();
    }
}
