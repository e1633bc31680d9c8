using System.Text.Json;
using CsCheck;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Core.Tests.Dp2;

namespace Pumps.Core.Tests.Firmware;

/// <summary>
/// A channel that loses frames and answers, a device that restarts, a driver that is killed: whatever the order of events, the device ends with exactly
/// the image once they stop, and what is said of its end is true. Machine, frames and receivers are the real ones.
/// </summary>
public sealed class LossyTransferTests
{
    private const int Runs = 5_000;

    [Test]
    public void Whatever_is_lost_the_device_has_exactly_the_image_in_the_end([Values] Protocol protocol)
    {
        var reached = new Dictionary<string, int>();
        Gen.Select(Gen.Int[1, 2500], Gen.Int[0, 1000], Gen.Int[0, 2], Gen.Int[0, 999].Array[0, 80]).Sample((bytes, seed, daily, troubles) =>
        {
            var content = new byte[bytes];
            new Random(seed).NextBytes(content);
            var world = new World(Image.Of(protocol, content, 128 + seed), hasWindow: daily == 0, troubles);
            world.Run();
            world.Check();
            lock (reached)
                foreach (var (what, count) in world.Reached)
                    reached[what] = reached.GetValueOrDefault(what) + count;
        }, iter: Runs, threads: 1);

        // The generator has reached what this test is about.
        var wanted = new[]
        {
            "frame lost", "answer lost", "offline", "restart", "restart with something stored", "killed before sending", "killed before hearing", "turn over",
            "resumed", "killed before it heard of the start", "window closed", protocol is Protocol.Dp1 ? "image forgotten" : "trial goes on",
        };
        foreach (var what in protocol is Protocol.Dp2 ? wanted.Append("fell back") : wanted)
            Assert.That(reached.GetValueOrDefault(what), Is.GreaterThan(Runs / 1000), what);
    }

    /// <summary>The price of a transfer that nothing disturbs: each chunk once, and one frame for everything else.</summary>
    [TestCase(Protocol.Dp1, 1 + 16 + 1 + 1)]
    [TestCase(Protocol.Dp2, 1 + 16 + 1 + 1 + 1)]
    public void Without_losses_nothing_is_sent_twice(Protocol protocol, int frames)
    {
        var world = new World(Image.Of(protocol, new byte[2000]), hasWindow: false, []);
        world.Run();
        world.Check();
        Assert.That(world.Frames, Is.EqualTo(frames));
    }

    private sealed class World(Image image, bool hasWindow, int[] troubles)
    {
        private const uint Number = 7;
        private const int TurnsMax = 3000;

        private static readonly TimeSpan Turn = TimeSpan.FromMinutes(1);
        private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);
        private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);
        private static readonly TimeSpan Boot = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan Trial = TimeSpan.FromMinutes(15);

        // As many restarts as troubles; all else as it is used.
        private static readonly TransferLimits Limits = TransferLimits.Default with { RestartsMax = 1000 };

        private readonly TransferTerms _terms = image.Terms(Number);
        private readonly Dp1FirmwareReceiver _dp1 = new(Image.Hardware);
        private readonly Dp2FirmwareReceiver _dp2 = new(Image.Hardware, 0, TestKey.Signatures) { Window = 6 };
        private readonly List<byte> _blocks = [];
        private DateTimeOffset _now = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
        private DateTimeOffset? _starts;
        private DateTimeOffset? _trialEnds;
        private byte[]? _running;
        private DateTimeOffset _awayUntil;
        private bool _fellBack;
        private bool _hasSpoken;
        private int _troubles;
        private int _next;

        // As it is stored: a killed driver does not touch it.
        private string _stored = JsonSerializer.Serialize(TransferMachine.Begin with { DueAt = DateTimeOffset.UnixEpoch }, TransferMachineTests.Json);

        public Dictionary<string, int> Reached { get; } = [];

        public int Frames { get; private set; }

        private bool IsDp1 => image.Head.Protocol is Protocol.Dp1;

        /// <summary>Turns of drivers, one after another, until the transfer is over.</summary>
        public void Run()
        {
            for (var turn = 0; turn < TurnsMax; turn++)
            {
                var state = JsonSerializer.Deserialize<TransferState>(_stored, TransferMachineTests.Json)!;
                if (state.Phase.IsOver())
                    return;
                Assert.That(state.DueAt, Is.Not.Null, "an open transfer is due some time");

                Pass(state.DueAt!.Value, isTurn: false);
                if (Dice(8) == 0)
                    Restart();
                if (state is { Phase: TransferPhase.Sending, Stored: > 0 })
                    Note("resumed");
                _hasSpoken = false;
                _stored = Serve(state, _now + Turn) is { } kept ? JsonSerializer.Serialize(kept, TransferMachineTests.Json) : _stored;
            }

            Assert.Fail($"not over after {TurnsMax} turns: {_stored}");
        }

        public void Check()
        {
            var state = JsonSerializer.Deserialize<TransferState>(_stored, TransferMachineTests.Json)!;
            if (_fellBack)
            {
                Assert.That((state.Phase, state.Reason), Is.EqualTo((TransferPhase.Failed, TransferReasons.RolledBack)));
                return;
            }

            // A DP1 device that started the image in a turn of which nothing was kept has it already.
            Assert.That(state.Phase, Is.EqualTo(TransferPhase.Done));
            Assert.That(state.Reason, IsDp1 ? Is.Null.Or.EqualTo(TransferReasons.AlreadyRunning) : Is.Null);
            Assert.That(_running, Is.EqualTo(image.Content));
            if (!IsDp1)
                Assert.That((Dp2TransferState)_dp2.Status().State, Is.EqualTo(Dp2TransferState.Confirmed));
        }

        /// <returns>The state to be kept; null when the driver was killed before it kept anything.</returns>
        private TransferState? Serve(TransferState state, DateTimeOffset until)
        {
            // Read when the turn begins.
            var running = _running is null ? "1.0.0" : _terms.Version;
            TransferSignal signal = Due();
            for (var step = 0; step < 2000; step++)
            {
                var (next, effects) = TransferMachine.Step(state, signal, _now, _terms, Limits);
                if (effects.IsEmpty)
                {
                    if (next == state || next.DueAt is null || next.DueAt > _now)
                        return next;
                    (state, signal) = (next, Due());
                    continue;
                }

                state = next;
                if (_now >= until || Dice(20) == 0)
                {
                    Note("turn over");
                    return TransferMachine.Step(state, new TransferSignal.Interrupted(_now + TimeSpan.FromSeconds(1)), _now, _terms, Limits).Next;
                }

                var signals = new List<TransferSignal>();
                foreach (var effect in effects)
                    if (Send(effect) is { } heard)
                        signals.Add(heard);
                    else
                    {
                        _now += Lease;
                        return null;
                    }

                Pass(_now + (signals.Contains(new TransferSignal.Silent()) ? AnswerTimeout : TimeSpan.FromMilliseconds(50)));
                signal = TransferMachine.Merge(signals);
            }

            throw new InvalidOperationException("A turn without an end.");

            TransferSignal.Due Due()
            {
                // Open for a minute at 22 o'clock UTC.
                if (!hasWindow || _now is { Hour: 22, Minute: 0 })
                    return new(running, null);
                Note("window closed");
                if (_trialEnds is not null && state.Phase is TransferPhase.Ready)
                    Note("trial goes on");
                var today = new DateTimeOffset(_now.Date, TimeSpan.Zero).AddHours(22);
                return new(running, today > _now ? today : today.AddDays(1));
            }
        }

        /// <summary>One frame down and one up, if nothing happens.</summary>
        /// <returns>Null when the driver was killed.</returns>
        private TransferSignal? Send(TransferEffect effect)
        {
            _troubles++;
            if (_now < _awayUntil)
                return new TransferSignal.Offline();
            switch (Dice(40))
            {
                case 0 or 1:
                    Note("frame lost");
                    return new TransferSignal.Silent();
                case 2:
                    Note("offline");
                    _awayUntil = _now + TimeSpan.FromMinutes(1 << Dice(7));
                    return new TransferSignal.Offline();
                case 3:
                    Restart();
                    break;
                case 4:
                    Note("killed before sending");
                    return null;
                case 5 or 6:
                    Note("answer lost");
                    Receive(effect);
                    return new TransferSignal.Silent();
                case 7:
                    Note(effect.Act is TransferAct.Activate ? "killed before it heard of the start" : "killed before hearing");
                    Receive(effect);
                    return null;
                default:
                    _troubles--;
                    break;
            }

            var answer = FirmwareFrames.Read(Receive(effect), _terms);
            if (answer is { Word: TransferWord.Unknown } && effect.Act is TransferAct.Query or TransferAct.Activate or TransferAct.Chunk)
                Note("image forgotten");
            return new TransferSignal.Heard(answer!);
        }

        /// <summary>The device takes a frame; what it answers comes up as bytes, too.</summary>
        private DecodedFrame Receive(TransferEffect effect)
        {
            Frames++;
            var frame = image.Encode(effect, Number, Frames, _now);
            return Image.Decode(image.Head.Protocol, IsDp1 ? ReceiveDp1(frame) : ReceiveDp2(frame), Direction.Up);
        }

        private byte[] ReceiveDp1(byte[] frame)
        {
            var telegram = (Dp1Telegram)Image.Decode(Protocol.Dp1, frame, Direction.Down);
            var reaction = _dp1.Handle(telegram);
            if (_dp1.Progress.BlocksDone == 0)
                _blocks.Clear();
            if (reaction == "stored")
            {
                if (telegram.FirmwareBlock.Block == 0)
                    _blocks.Clear();
                _blocks.AddRange(telegram.BlockData);
            }

            if (reaction == "activating")
                _starts ??= _now + Boot;
            Span<byte> answer = stackalloc byte[Dp1Encoder.SizeMax];
            var size = telegram.Type is Dp1Type.FirmwareBlock
                ? Dp1Encoder.FirmwareAck(answer, Image.Header, _dp1.Ack)
                : Dp1Encoder.FirmwareProgress(answer, Image.Header, _dp1.Progress);
            return answer[..size].ToArray();
        }

        private byte[] ReceiveDp2(byte[] frame)
        {
            var reaction = _dp2.Handle(frame, _now.ToUnixTimeMilliseconds());
            if (reaction == "activating")
                _starts = _now + Boot;
            if (reaction == "confirmed")
                _trialEnds = null;
            Assert.That(reaction, Does.Not.StartWith("E_"));
            return Dp2Encoder.Encode(Dp2Samples.Header, _dp2.Answer());
        }

        /// <summary>Time goes on. Between turns it ends early when the device says that it has started an image: that wakes its transfer.</summary>
        private void Pass(DateTimeOffset until, bool isTurn = true)
        {
            if (_starts <= until)
            {
                _now = Later(_starts.Value);
                Restart();
            }

            if (!isTurn && _hasSpoken)
                return;
            if (_trialEnds <= until)
            {
                _dp2.FellBack();
                (_fellBack, _trialEnds, _running) = (true, null, null);
                Note("fell back");
                Assert.That(_troubles, Is.GreaterThanOrEqualTo(4), "less than that must not cost a device its trial");
            }

            _now = Later(until);

            DateTimeOffset Later(DateTimeOffset other) => other > _now ? other : _now;
        }

        private void Restart()
        {
            var stored = IsDp1 ? _dp1.Progress.BlocksDone : _dp2.Status().Received ?? 0;
            Note(stored > 0 ? "restart with something stored" : "restart");
            _starts = null;
            if (IsDp1)
            {
                if (_dp1.Activating is not null)
                    (_running, _hasSpoken) = ([.. _blocks.Take(image.Content.Length)], true);
                _dp1.Restart();
                _blocks.Clear();
            }
            else if ((Dp2TransferState)_dp2.Status().State is Dp2TransferState.Activating)
            {
                _dp2.Started();
                (_running, _trialEnds, _hasSpoken) = (_dp2.Image.ToArray(), _now + Trial, true);
            }
        }

        /// <summary>One of so many things that may happen; after the last trouble always the last one, where nothing does.</summary>
        private int Dice(int sides) => _next < troubles.Length ? troubles[_next++] % sides : sides - 1;

        private void Note(string what) => Reached[what] = Reached.GetValueOrDefault(what) + 1;
    }
}
