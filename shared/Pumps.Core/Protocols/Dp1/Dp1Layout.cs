using System.Numerics;
using Pumps.Core.Dictionaries;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>How a measured value lies in a body (PROTOCOL.md, section 1).</summary>
public enum Dp1Format : byte
{
    HighNibble,
    LowNibble,
    U8,
    I8,
    U16,
    I16,
    U24,
    U32,

    /// <summary>Two big-endian 16-bit words, low word first: 0x00015678 is sent <c>56 78 00 01</c>.</summary>
    U32W,
}

/// <summary>One measured value of a telegram: <c>value = (raw × Mult + Off) × 10^Exponent</c>, in the unit of its definition.</summary>
/// <param name="At">Offset in the body, or in the record of a BATCH.</param>
/// <param name="Min">Smallest raw value in range. For an enum, 0.</param>
/// <param name="Max">Largest raw value in range. For an enum, the largest code that has a name.</param>
/// <param name="NotAvailable">The raw value that means "not available"; <see cref="None"/> where every value is one.</param>
internal sealed record Dp1Field(
    PointDefinition Definition, int At, Dp1Format Format, sbyte Exponent, long Min, long Max, long NotAvailable, int Mult = 1, int Off = 0)
{
    /// <summary>Larger than any raw value.</summary>
    public const long None = long.MaxValue;

    public int Size => Format switch
    {
        Dp1Format.U16 or Dp1Format.I16 => 2,
        Dp1Format.U24 => 3,
        Dp1Format.U32 or Dp1Format.U32W => 4,
        _ => 1,
    };

    public bool IsSigned { get; } = Format is Dp1Format.I8 or Dp1Format.I16;

    public long Read(ReadOnlySpan<byte> from)
    {
        from = from[At..];
        return Format switch
        {
            Dp1Format.HighNibble => from[0] >> 4,
            Dp1Format.LowNibble => from[0] & 0xF,
            Dp1Format.U8 => from[0],
            Dp1Format.I8 => (sbyte)from[0],
            Dp1Format.U16 => ReadUInt16BigEndian(from),
            Dp1Format.I16 => ReadInt16BigEndian(from),
            Dp1Format.U24 => (uint)((from[0] << 16) | ReadUInt16BigEndian(from[1..])),
            Dp1Format.U32 => ReadUInt32BigEndian(from),
            _ => BitOperations.RotateLeft(ReadUInt32BigEndian(from), 16),
        };
    }

    /// <summary>The raw value of a scaled one: the inverse of <c>raw × Mult + Off</c>.</summary>
    public long RawOf(long mantissa) => (mantissa - Off) / Mult;

    /// <summary>The raw value nearest to a measured one. NaN gives "not available"; what the format cannot hold gives its nearest value that is one.</summary>
    public long Quantize(double value)
    {
        if (double.IsNaN(value))
            return NotAvailable == None ? 0 : NotAvailable;

        var raw = Math.Round((value * Math.Pow(10, -Exponent) - Off) / Mult, MidpointRounding.AwayFromZero);
        var (smallest, largest) = Format switch
        {
            Dp1Format.HighNibble or Dp1Format.LowNibble => (0L, 0xFL),
            Dp1Format.U8 => (0, 0xFF),
            Dp1Format.I8 => (-0x80, 0x7F),
            Dp1Format.U16 => (0, 0xFFFF),
            Dp1Format.I16 => (-0x8000, 0x7FFF),
            Dp1Format.U24 => (0, 0xFFFFFF),
            _ => (0, 0xFFFFFFFF),
        };
        if (largest == NotAvailable)
            largest--;
        if (smallest == NotAvailable)
            smallest++;
        return (long)Math.Clamp(raw, smallest, largest);
    }

    /// <summary>Writes a raw value. A nibble leaves the other half of its byte as it is.</summary>
    public void Write(Span<byte> to, long raw)
    {
        to = to[At..];
        switch (Format)
        {
            case Dp1Format.HighNibble: to[0] = (byte)((to[0] & 0x0F) | ((int)raw << 4)); break;
            case Dp1Format.LowNibble: to[0] = (byte)((to[0] & 0xF0) | ((int)raw & 0xF)); break;
            case Dp1Format.U8 or Dp1Format.I8: to[0] = (byte)raw; break;
            case Dp1Format.U16 or Dp1Format.I16: WriteUInt16BigEndian(to, (ushort)raw); break;
            case Dp1Format.U24: to[0] = (byte)(raw >> 16); WriteUInt16BigEndian(to[1..], (ushort)raw); break;
            case Dp1Format.U32: WriteUInt32BigEndian(to, (uint)raw); break;
            default: WriteUInt32BigEndian(to, BitOperations.RotateLeft((uint)raw, 16)); break;
        }
    }
}

/// <summary>Where everything lies: the tables of PROTOCOL.md, sections 2 and 4. Fields stand in decoded order (section 11).</summary>
public static class Dp1Layout
{
    public const byte StartDelimiter = 0xB5;
    public const byte FormatVersion = 1;
    public const int BodyAt = 13;
    public const int LenMin = 11;
    public const int LenMax = 249;

    /// <summary>Bytes of a telegram that LEN does not count: SD, LEN and the two of the CRC.</summary>
    public const int LenExcess = 4;

    public const int TelegramSizeMax = LenMax + LenExcess;

    /// <summary>A clock that was never set.</summary>
    public const uint ClockUnset = uint.MaxValue;

    public const int BatchHeadSize = 7;
    public const int RecordSize = 12;
    public const int SamplesMax = 19;
    public const int IntervalMax = 43200;
    public const int ModelSize = 12;
    public const int BlockSize = 128;
    public const int BlocksMax = 2048;
    public const uint ImageSizeMax = 262_144;
    public const byte NoAlarm = 0xFF;

    private const long Open = long.MaxValue - 1;

    internal static readonly Dp1Field[] Status =
    [
        new(Dp1Points.PumpState, 0, Dp1Format.U8, 0, 0, Dp1Codes.PumpStates.Count - 1, 0xFF),
        new(Dp1Points.ControlMode, 1, Dp1Format.HighNibble, 0, 0, Dp1Codes.ControlModes.Count - 1, 0xF),
        new(Dp1Points.ValveState, 1, Dp1Format.LowNibble, 0, 0, Dp1Codes.ValveStates.Count - 1, 0xF),
        new(Dp1Points.Flow, 2, Dp1Format.U16, -1, 0, 6000, 0xFFFF),
        new(Dp1Points.PressureOut, 4, Dp1Format.U16, -2, 0, 2500, 0xFFFF),
        new(Dp1Points.PressureIn, 6, Dp1Format.I16, -2, -100, 1600, -0x8000),
        new(Dp1Points.WaterTemp, 8, Dp1Format.I16, -1, -400, 1250, -0x8000),
        new(Dp1Points.SoilMoisture, 10, Dp1Format.U8, -1, 0, 200, 0xFF, Mult: 5),
        new(Dp1Points.Speed, 11, Dp1Format.U16, 0, 0, 6000, 0xFFFF),
        new(Dp1Points.MotorCurrent, 13, Dp1Format.U16, -2, 0, 30000, 0xFFFF),
        new(Dp1Points.Power, 15, Dp1Format.U16, -2, 0, 30000, 0xFFFF),
        new(Dp1Points.MotorTemp, 17, Dp1Format.U8, 0, 0, 240, 0xFF, Off: -40),
        new(Dp1Points.VibrationRms, 18, Dp1Format.U8, -1, 0, 250, 0xFF),
        new(Dp1Points.SupplyVoltage, 19, Dp1Format.U16, -1, 0, 10000, 0xFFFF),
        new(Dp1Points.AlarmMask, 21, Dp1Format.U32, 0, 0, Open, Dp1Field.None),
    ];

    /// <summary>One sample of a BATCH. The nibbles are the other way round from STATUS, and water_temp has another format.</summary>
    internal static readonly Dp1Field[] Record =
    [
        new(Dp1Points.PumpState, 0, Dp1Format.LowNibble, 0, 0, Dp1Codes.PumpStates.Count - 1, 0xF),
        new(Dp1Points.ValveState, 0, Dp1Format.HighNibble, 0, 0, Dp1Codes.ValveStates.Count - 1, 0xF),
        new(Dp1Points.Flow, 1, Dp1Format.U16, -1, 0, 6000, 0xFFFF),
        new(Dp1Points.PressureOut, 3, Dp1Format.U16, -2, 0, 2500, 0xFFFF),
        new(Dp1Points.WaterTemp, 5, Dp1Format.I8, 0, -40, 125, -0x80),
        new(Dp1Points.SoilMoisture, 6, Dp1Format.U8, -1, 0, 200, 0xFF, Mult: 5),
        new(Dp1Points.MotorCurrent, 7, Dp1Format.U16, -2, 0, 30000, 0xFFFF),
        new(Dp1Points.MotorTemp, 9, Dp1Format.U8, 0, 0, 240, 0xFF, Off: -40),
        new(Dp1Points.VibrationRms, 10, Dp1Format.U8, -1, 0, 250, 0xFF),
        new(Dp1Points.Speed, 11, Dp1Format.U8, 0, 0, 240, 0xFF, Mult: 25),
    ];

    internal static readonly Dp1Field[] Counters =
    [
        new(Dp1Points.RunHours, 0, Dp1Format.U24, -1, 0, Open, 0xFFFFFF),
        new(Dp1Points.Energy, 3, Dp1Format.U32W, -1, 0, Open, 0xFFFFFFFF),
        new(Dp1Points.VolumeTotal, 7, Dp1Format.U32W, -1, 0, Open, 0xFFFFFFFF),
        new(Dp1Points.StartCount, 11, Dp1Format.U16, 0, 0, Open, 0xFFFF),
    ];

    /// <summary>The snapshot in an ALARM.</summary>
    internal static readonly Dp1Field[] Alarm =
    [
        new(Dp1Points.Flow, 9, Dp1Format.U16, -1, 0, 6000, 0xFFFF),
        new(Dp1Points.PressureOut, 11, Dp1Format.U16, -2, 0, 2500, 0xFFFF),
        new(Dp1Points.MotorCurrent, 13, Dp1Format.U16, -2, 0, 30000, 0xFFFF),
        new(Dp1Points.MotorTemp, 15, Dp1Format.U8, 0, 0, 240, 0xFF, Off: -40),
        new(Dp1Points.PumpState, 16, Dp1Format.U8, 0, 0, Dp1Codes.PumpStates.Count - 1, 0xFF),
    ];
}
