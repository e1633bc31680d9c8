using CsCheck;
using Pumps.Core.Commands;

namespace Pumps.Core.Tests.Commands;

/// <summary>
/// A driver that crashes, a hub that loses, delays and repeats, a device that comes and goes: whatever the order of events, no command is executed
/// twice, none overtakes another, every one ends, and what is said of its end is true.
/// </summary>
public sealed class CommandInterleavingTests
{
    private const int Runs = 60_000;

    [Test]
    public void No_order_of_events_executes_a_command_twice_or_leaves_it_open()
    {
        var ends = new Dictionary<CommandPhase, int>();
        var repeats = 0;
        Gen.Select(Gen.Int[0, 99], Gen.Int[0, 999], (action, dice) => (action, dice)).Array[5, 120].Sample(events =>
        {
            var world = new World();
            foreach (var (action, dice) in events)
                world.Do(action, dice);
            world.Finish();

            world.Check();
            lock (ends)
            {
                foreach (var command in world.Commands)
                    ends[command.State.Phase] = ends.GetValueOrDefault(command.State.Phase) + 1;
                repeats += world.Repeats;
            }
        }, iter: Runs, threads: 1);

        // The generator has reached what this test is about.
        Assert.That(ends.Keys, Is.SupersetOf(new[]
        {
            CommandPhase.Done, CommandPhase.Refused, CommandPhase.Failed, CommandPhase.Expired, CommandPhase.Cancelled,
        }));
        Assert.That(repeats, Is.GreaterThan(1000), "frames that met a device which knew them");
    }

    private sealed class Command(int number, CommandTerms terms, DateTimeOffset now)
    {
        public int Number { get; } = number;

        public CommandTerms Terms { get; } = terms;

        /// <summary>As stored: a crash does not touch it.</summary>
        public CommandState State { get; set; } = CommandMachine.Begin(now);

        public int Executions { get; set; }
    }

    private sealed class World
    {
        private const int CommandsMax = 6;   // A DP1 device remembers the last eight.

        private static readonly CommandLimits Limits = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(15), 3, TimeSpan.FromSeconds(5));

        // In the driver's memory: a crash loses it.
        private readonly List<(Command Command, Transmit Effect)> _pending = [];

        // In the hub and on the air.
        private readonly List<(Command Command, int Attempt)> _held = [];
        private readonly List<(Command Command, CommandSignal Signal)> _answers = [];

        private readonly Dictionary<Command, CommandAnswer> _known = [];
        private readonly List<int> _executed = [];
        private DateTimeOffset _now = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
        private bool _online = true;

        public List<Command> Commands { get; } = [];

        public int Repeats { get; private set; }

        public void Do(int action, int dice)
        {
            switch (action)
            {
                case < 12:
                    Submit(dice);
                    break;
                case < 40:
                    Look();
                    break;
                case < 65:
                    Transmit(dice);
                    break;
                case < 75:
                    Pass(TimeSpan.FromSeconds(1 + (dice % 40)));
                    break;
                case < 80:
                    _online = !_online;
                    break;
                case < 86:
                    Deliver(dice);
                    break;
                case < 94:
                    Hear(dice);
                    break;
                case < 97:
                    _pending.Clear();   // A crash.
                    break;
                default:
                    if (Commands.Count > 0)
                        Step(Commands[dice % Commands.Count], new CommandSignal.Cancel());
                    break;
            }

            Assert.That(Commands.Count(c => c.State.InFlight), Is.LessThanOrEqualTo(1), "in flight");
        }

        /// <summary>Time goes on and nothing else works any more: that alone must bring every command to its end.</summary>
        public void Finish()
        {
            for (var i = 0; i < 200 && Commands.Any(c => !c.State.Phase.IsFinal()); i++)
            {
                _pending.Clear();
                Pass(TimeSpan.FromMinutes(5));
                Look();
            }

            // Whatever is still on the air arrives now.
            while (_answers.Count > 0)
                Hear(0);
        }

        public void Check()
        {
            foreach (var command in Commands)
            {
                var (phase, executions) = (command.State.Phase, command.Executions);
                Assert.That(phase.IsFinal(), $"command {command.Number} is {phase}");
                Assert.That(executions, Is.LessThanOrEqualTo(1), $"command {command.Number} was executed {executions} times");
                if (phase is CommandPhase.Expired or CommandPhase.Cancelled or CommandPhase.Refused)
                    Assert.That(executions, Is.Zero, $"command {command.Number} is {phase} and was executed");
                if (phase is CommandPhase.Done)
                    Assert.That(executions, Is.EqualTo(1), $"command {command.Number} is done and was not executed");
            }

            Assert.That(_executed, Is.Ordered, "the order of execution");
        }

        private void Submit(int dice)
        {
            if (Commands.Count < CommandsMax)
                Commands.Add(new(Commands.Count, new(_now.AddSeconds(10 + (dice % 90)), Repeatable: dice % 5 != 0), _now));
        }

        /// <summary>The driver looks for what is due; the store gives it the first open command and those that have expired.</summary>
        private void Look()
        {
            var first = Commands.FirstOrDefault(c => !c.State.Phase.IsFinal());
            foreach (var command in Commands.Where(c => c.State.DueAt <= _now && (c == first || c.Terms.ExpiresAt <= _now)).ToList())
                Step(command, new CommandSignal.Due());
        }

        private void Step(Command command, CommandSignal signal)
        {
            (command.State, var effect) = CommandMachine.Step(command.State, signal, _now, command.Terms, Limits);
            if (effect is not null)
                _pending.Add((command, effect));
        }

        private void Transmit(int dice)
        {
            if (_pending.Count == 0)
                return;
            var (command, effect) = _pending[0];
            _pending.RemoveAt(0);
            if (effect.Route is CommandRoute.Queue)
            {
                if (dice % 10 == 0)
                    Step(command, new CommandSignal.Busy(effect.Attempt));
                else if (_now < command.Terms.ExpiresAt)
                {
                    _held.Add((command, effect.Attempt));
                    if (dice % 7 != 0)   // else the driver dies before it is told
                        Step(command, new CommandSignal.Held(effect.Attempt));
                }
            }
            else if (!_online)
                Step(command, new CommandSignal.Offline(effect.Attempt));
            else
                switch (dice % 6)
                {
                    case 0:   // The request is lost.
                        break;
                    case 1:   // The answer is lost.
                        Receive(command, dice);
                        break;
                    case 2:   // It comes as a message.
                        _answers.Add((command, Receive(command, dice)));
                        Step(command, new CommandSignal.Delivered(effect.Attempt));
                        break;
                    case 3:   // It comes as a message, and before what the driver knows.
                        _answers.Add((command, Receive(command, dice)));
                        break;
                    default:
                        Step(command, Receive(command, dice));
                        break;
                }
        }

        /// <summary>The hub hands what it holds to the device, oldest first; or drops what has expired.</summary>
        private void Deliver(int dice)
        {
            if (_held.Count == 0)
                return;
            var (command, attempt) = _held[0];
            if (command.Terms.ExpiresAt <= _now)
            {
                _held.RemoveAt(0);
                _answers.Add((command, new CommandSignal.Dropped(attempt)));
            }
            else if (_online)
            {
                _answers.Add((command, Receive(command, dice)));
                // When the device's acknowledgement is lost, it is delivered again.
                if (dice % 4 != 0)
                {
                    _held.RemoveAt(0);
                    _answers.Add((command, new CommandSignal.Delivered(attempt)));
                }
            }
        }

        /// <summary>Something on the air arrives: any of it, and some of it twice.</summary>
        private void Hear(int dice)
        {
            if (_answers.Count == 0)
                return;
            var at = dice % _answers.Count;
            var (command, signal) = _answers[at];
            if (dice == 0 || dice % 5 != 0)
                _answers.RemoveAt(at);
            Step(command, signal);
        }

        private void Pass(TimeSpan time)
        {
            _now += time;
            // What the hub holds is dropped at its time, heard of or not.
            _held.RemoveAll(h => h.Command.Terms.ExpiresAt <= _now.AddSeconds(-1));
        }

        /// <summary>The device takes a frame. It recognises what it has met; what may not be repeated is what it would forget.</summary>
        private CommandSignal.Answered Receive(Command command, int dice)
        {
            if (command.Terms.Repeatable && _known.TryGetValue(command, out var stored))
            {
                Repeats++;
                return new(stored.Outcome is CommandOutcome.Refused ? stored : stored with { Outcome = CommandOutcome.Repeated });
            }

            var refuses = dice % 3 == 0;
            var answer = new CommandAnswer($"{command.Number}", refuses ? CommandOutcome.Refused : CommandOutcome.Done, refuses ? "interlock" : "done");
            if (!refuses)
            {
                command.Executions++;
                _executed.Add(command.Number);
            }

            _known[command] = answer;
            return new(answer);
        }
    }
}
