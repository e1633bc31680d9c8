using Google.Protobuf;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Benchmarks.Codecs;

/// <summary>One observation of an irrigation pump of the second generation, as a DP2 frame and as protobuf: the same 15 values in each.</summary>
internal static class EqualMessages
{
    public const int Points = 15;

    private const ulong Device = 0x00a1b2c3d4e5f607;
    private const long TimeMs = 1_748_779_200_000;
    private const uint Sequence = 17;
    private const ushort Dictionary = 257;
    private const ushort Revision = 3;

    // Ids and values in the order of the dictionary; numbers are mantissas of its exponents: 24.30 m3/h, 4.05 bar, ...
    private static readonly (uint Id, long Number)[] Numbers =
    [
        (16, 2430), (17, 405), (18, 62), (19, 356), (20, 141), (21, 384), (26, 1247), (27, 586), (28, 231), (29, 6310), (34, 3998),
    ];

    private static readonly (uint Id, ulong Code)[] Codes = [(22, 1), (23, 2), (24, 1), (25, 2905)];

    public static (byte[] Telemetry, byte[] SelfDescribing, byte[] Typed) Make()
    {
        var telemetry = Dp2Encoder.Telemetry(new Dp2Header(Device, Sequence, TimeMs), Dictionary, Revision, t => t.Points(Write));

        var message = new SelfDescribing { Device = Device, TimeMs = TimeMs, Sequence = Sequence, Dictionary = Dictionary, Revision = Revision };
        message.Points.AddRange(Numbers.Select(p => new Point { Id = p.Id, Number = p.Number }).Concat(Codes.Select(p => new Point { Id = p.Id, Code = p.Code })).OrderBy(p => p.Id));

        var typed = new Typed
        {
            Device = Device, TimeMs = TimeMs, Sequence = Sequence,
            Flow = Number(16), PressureOut = Number(17), PressureIn = Number(18), Head = Number(19), WaterTemp = Number(20), SoilMoisture = Number(21),
            ValveState = (uint)Code(22), PumpState = (uint)Code(23), ControlMode = (uint)Code(24), Speed = Code(25),
            MotorCurrent = Number(26), MotorTemp = Number(27), VibrationRms = Number(28), Power = Number(29), SupplyVoltage = Number(34),
        };
        return (telemetry, message.ToByteArray(), typed.ToByteArray());
    }

    private static void Write(Dp2PointsWriter points)
    {
        foreach (var id in Numbers.Select(p => p.Id).Concat(Codes.Select(p => p.Id)).Order())
            _ = Array.Exists(Numbers, p => p.Id == id) ? points.Signed(id, Number(id)) : points.Unsigned(id, Code(id));
    }

    private static long Number(uint id) => Array.Find(Numbers, p => p.Id == id).Number;

    private static ulong Code(uint id) => Array.Find(Codes, p => p.Id == id).Code;
}
