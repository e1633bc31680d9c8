using System.Runtime.CompilerServices;
using Pumps.Core.Protocols;

namespace Pumps.Core.Tests;

/// <summary>The tables of DP1 section 8 and DP2 section 10, against a model that keeps plain sets.</summary>
public sealed class SequenceTrackerTests
{
    [Test]
    public void A_tracker_is_small_enough_to_keep_one_for_every_device() =>
        Assert.That(Unsafe.SizeOf<SequenceTracker>(), Is.LessThanOrEqualTo(24));

    [Test]
    public void The_first_number_is_first_and_an_ident_restarts()
    {
        var tracker = new SequenceTracker();

        Assert.That(tracker.ClassifyDp1(200, isRestart: false).ToString(), Is.EqualTo("first"));
        Assert.That(tracker.ClassifyDp1(200, isRestart: true).ToString(), Is.EqualTo("restart"));
        Assert.That(tracker.ClassifyDp1(201, isRestart: false).ToString(), Is.EqualTo("ok"));
    }

    [Test]
    public void An_ident_from_an_unknown_device_is_first() =>
        Assert.That(new SequenceTracker().ClassifyDp1(0, isRestart: true).ToString(), Is.EqualTo("first"));

    [Test]
    public void A_restart_forgets_what_was_seen()
    {
        var tracker = new SequenceTracker();
        tracker.ClassifyDp1(10, isRestart: false);
        tracker.ClassifyDp1(11, isRestart: false);
        tracker.ClassifyDp1(12, isRestart: true);

        Assert.That(tracker.ClassifyDp1(11, isRestart: false).ToString(), Is.EqualTo("late"));
    }

    /// <summary>All 256 distances from a single known number.</summary>
    [Test]
    public void Every_distance_of_DP1_has_its_row([Values(0, 1, 100, 255)] int last)
    {
        for (var d = 0; d < 256; d++)
        {
            var tracker = new SequenceTracker();
            tracker.ClassifyDp1((byte)last, isRestart: false);
            var expected = d switch
            {
                0 => "duplicate",
                1 => "ok",
                <= 127 => $"gap:{d - 1}",
                >= 224 => "late",
                _ => "stale",
            };

            Assert.That(tracker.ClassifyDp1((byte)(last + d), isRestart: false).ToString(), Is.EqualTo(expected), $"d = {d}");
        }
    }

    [TestCase(1u, "ok")]
    [TestCase(2u, "gap:1")]
    [TestCase(65u, "gap:64")]
    [TestCase(0x7FFFFFFFu, "gap:2147483646")]
    [TestCase(0x80000000u, "stale")]
    [TestCase(0xFFFFFFBFu, "stale")]
    [TestCase(0xFFFFFFC0u, "late")]
    [TestCase(0xFFFFFFFFu, "late")]
    [TestCase(0u, "duplicate")]
    public void Every_distance_of_DP2_has_its_row(uint d, string expected)
    {
        foreach (var last in new[] { 0u, 1u, 5000u, uint.MaxValue })
        {
            var tracker = new SequenceTracker();
            tracker.ClassifyDp2(last, isRestart: false);

            Assert.That(tracker.ClassifyDp2(unchecked(last + d), isRestart: false).ToString(), Is.EqualTo(expected), $"last = {last}");
        }
    }

    [TestCase(32, "duplicate")]
    [TestCase(33, "stale")]
    public void DP1_remembers_32_numbers_behind_the_last(int advance, string expected)
    {
        var tracker = new SequenceTracker();
        for (var number = 0; number <= advance; number++)
            tracker.ClassifyDp1((byte)number, isRestart: false);

        Assert.That(tracker.ClassifyDp1(0, isRestart: false).ToString(), Is.EqualTo(expected));
    }

    [TestCase(63, "duplicate")]
    [TestCase(64, "duplicate")]
    [TestCase(65, "stale")]
    public void DP2_remembers_64_numbers_behind_the_last(int advance, string expected)
    {
        var tracker = new SequenceTracker();
        tracker.ClassifyDp2(7, isRestart: false);
        tracker.ClassifyDp2(7 + (uint)advance, isRestart: false);

        Assert.That(tracker.ClassifyDp2(7, isRestart: false).ToString(), Is.EqualTo(expected));
    }

    /// <summary>Long random walks, with jumps of all sizes, must agree with the table read literally.</summary>
    [Test]
    public void A_long_walk_agrees_with_the_table_read_literally([Values(Protocol.Dp1, Protocol.Dp2)] Protocol protocol)
    {
        var random = new Random(20250601);
        var tracker = new SequenceTracker();
        var model = new TableModel(protocol is Protocol.Dp1 ? 8 : 32, protocol is Protocol.Dp1 ? 32u : 64);
        var seen = new Dictionary<string, int>();
        uint near = 0;
        for (var i = 0; i < 200_000; i++)
        {
            uint number = random.Next(10) switch
            {
                < 4 => near + 1,
                < 7 => near - (uint)random.Next(70),
                < 9 => near + (uint)random.Next(70),
                _ => (uint)random.NextInt64(1L << 32),
            };
            if (protocol is Protocol.Dp1)
                number &= 0xFF;
            near = number;
            var isRestart = random.Next(500) == 0;

            var actual = protocol is Protocol.Dp1 ? tracker.ClassifyDp1((byte)number, isRestart) : tracker.ClassifyDp2(number, isRestart);

            var expected = model.Classify(number, isRestart);
            if (actual.ToString() != expected)
                Assert.Fail($"step {i}: expected {expected}, got {actual}");
            seen[actual.Name] = seen.GetValueOrDefault(actual.Name) + 1;
        }

        Assert.That(seen.Keys, Is.EquivalentTo(new[] { "first", "restart", "ok", "gap", "duplicate", "late", "stale" }), "the walk reached every row");
    }

    /// <summary>Up and down, and devices among each other, are counted separately: a tracker is a value, and copies do not share anything.</summary>
    [Test]
    public void Copies_of_a_tracker_are_independent()
    {
        var one = new SequenceTracker();
        one.ClassifyDp1(5, isRestart: false);
        var other = one;
        one.ClassifyDp1(6, isRestart: false);

        Assert.That(other.ClassifyDp1(6, isRestart: false).ToString(), Is.EqualTo("ok"));
    }

    [Test]
    public void A_decoded_telegram_is_classified_by_its_number_and_type()
    {
        var tracker = new SequenceTracker();
        var telegram = Dp1.Dp1Examples.Decode(Dp1.Dp1Examples.Status);

        Assert.That(tracker.Classify(telegram).Case, Is.EqualTo(SequenceCase.First));
        Assert.That(tracker.Classify(telegram).Case, Is.EqualTo(SequenceCase.Duplicate));
        Assert.That(tracker.Last, Is.EqualTo(17));
    }

    private sealed class TableModel(int bits, uint window)
    {
        private readonly ulong _modulus = 1UL << bits;
        private readonly HashSet<ulong> _seen = [];
        private ulong? _last;

        public string Classify(uint number, bool isRestart)
        {
            if (_last is not { } last || isRestart)
            {
                var first = _last is null ? "first" : "restart";
                _last = number;
                _seen.Clear();
                _seen.Add(number);
                return first;
            }

            var d = (number + _modulus - last) % _modulus;
            if (d == 0)
                return "duplicate";

            if (d < _modulus / 2)
            {
                _last = number;
                _seen.RemoveWhere(old => (number + _modulus - old) % _modulus > window);
                _seen.Add(number);
                return d == 1 ? "ok" : $"gap:{d - 1}";
            }

            if (_modulus - d > window)
                return "stale";

            return _seen.Add(number) ? "late" : "duplicate";
        }
    }
}
