using CsCheck;
using Pumps.Fleet.Physics;

namespace Pumps.Core.Tests.Fleet;

public sealed class PumpCurveTests
{
    private static readonly PumpCurve Curve = PumpCurve.Booster;

    private static readonly Gen<(double Flow, double Speed, double Scale)> Points =
        Gen.Select(Gen.Double[0.5, 40], Gen.Double[0.7, 1.05], Gen.Double[0.4, 1]).Where(p => Curve.HeadAt(p.Item1, p.Item2) > 0);

    [Test]
    public void Flow_head_and_power_follow_the_affinity_laws() => Points.Sample(p =>
    {
        var (flow, speed, scale) = p;

        Assert.That(Curve.HeadAt(flow * scale, speed * scale), Is.EqualTo(scale * scale * Curve.HeadAt(flow, speed)).Within(1e-9));
        Assert.That(
            Curve.ShaftPowerAt(flow * scale, speed * scale),
            Is.EqualTo(scale * scale * scale * Curve.ShaftPowerAt(flow, speed)).Within(1e-9));
        Assert.That(Curve.EfficiencyAt(flow * scale, speed * scale), Is.EqualTo(Curve.EfficiencyAt(flow, speed)).Within(1e-12));
    });

    [Test]
    public void In_a_system_without_static_head_flow_goes_with_speed() => Gen.Select(Gen.Double[0.4, 1], Gen.Double[0.001, 1]).Sample((scale, resistance) =>
        Assert.That(Curve.MeetSystem(scale, 0, resistance), Is.EqualTo(scale * Curve.MeetSystem(1, 0, resistance)).Within(1e-9)));

    [Test]
    public void At_the_operating_point_the_pump_gives_what_the_system_takes() =>
        Gen.Select(Gen.Double[0.4, 1.05], Gen.Double[-3, 4], Gen.Double[0.005, 2]).Sample((speed, feed, resistance) =>
        {
            var flow = Curve.MeetSystem(speed, feed, resistance);

            Assert.That(Curve.HeadAt(flow, speed) + feed, Is.EqualTo(resistance * flow * flow).Within(1e-6));
        });

    [Test]
    public void Flow_at_head_is_the_inverse_of_head_at_flow() => Points.Sample(p =>
    {
        var head = Curve.HeadAt(p.Flow, p.Speed);
        if (head < Curve.ShutoffHead * p.Speed * p.Speed)
            Assert.That(Curve.FlowAtHead(head, p.Speed), Is.EqualTo(p.Flow).Within(1e-6));
    });

    [Test]
    public void Shaft_power_is_water_power_over_efficiency() => Points.Sample(p =>
    {
        if (p.Flow > 1.9 * p.Speed * Curve.BestFlow)
            return;

        var water = PumpCurve.WaterPower(p.Flow, Curve.HeadAt(p.Flow, p.Speed));
        Assert.That(Curve.ShaftPowerAt(p.Flow, p.Speed) * Curve.EfficiencyAt(p.Flow, p.Speed), Is.EqualTo(water).Within(1e-9));
    });

    [Test]
    public void A_closed_system_takes_nothing() => Assert.That(Curve.MeetSystem(1, 2, double.PositiveInfinity), Is.Zero);

    [Test]
    public void A_pump_cannot_push_against_more_than_its_shut_off_head() => Assert.That(Curve.MeetSystem(0.5, -20, 0.01), Is.Zero);

    [Test]
    public void Wear_and_air_take_head_away()
    {
        Assert.That(Curve.Degraded(0.5, 0).HeadAt(20, 1), Is.LessThan(Curve.HeadAt(20, 1)));
        Assert.That(Curve.Degraded(0, 0.9).ShutoffHead, Is.EqualTo(5.2).Within(1e-9));
    }
}
