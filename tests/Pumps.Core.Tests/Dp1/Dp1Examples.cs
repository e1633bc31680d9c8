using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

/// <summary>The worked examples of PROTOCOL.md, section 12, and what tests need to vary them.</summary>
internal static class Dp1Examples
{
    public const long ReceivedAtMs = 1748779201500;
    public const long ClockMs = 1748779200000;
    public const uint Serial = 4711001;
    public const uint Clock = 802094400;

    public static readonly byte[] Status = Hex(
        """
        B5 24 10 11 00 47 E2 59 11 2F CF 19 60 02 12 00
        F3 01 95 FF EB 00 92 FF 0A 96 04 76 02 51 67 12
        0F 91 00 00 02 00 9A 00
        """);

    public static readonly byte[] Batch = Hex(
        """
        B5 36 11 11 00 47 E2 59 12 2F CE FD 40 2F CE F6
        38 02 58 03 22 00 F1 01 92 0E 3F 04 6A 66 11 6C
        FF FF FF FF FF FF FF FF FF FF FF FF 00 00 00 00
        0C FF 40 00 00 51 00 00 2A 50
        """);

    public static readonly byte[] Counters = Hex("B5 18 12 11 00 47 E2 59 13 2F CE FD 40 01 E2 40 56 78 00 01 FF FF FF FF 00 2A DC 37");

    public static readonly byte[] Alarm = Hex(
        """
        B5 1C 20 11 00 47 E2 59 14 2F CE FD 40 00 00 00
        01 00 00 00 01 00 00 02 00 05 01 9A 6F 05 10 77
        """);

    public static readonly byte[] Command = Hex("B5 15 40 11 00 47 E2 59 03 2F CE FD 40 BE EF 04 00 01 A9 00 00 00 00 88 C0");

    public static readonly byte[] CommandResponse = Hex("B5 15 30 11 00 47 E2 59 15 2F CE FD 40 BE EF 04 00 00 00 00 00 00 00 4F 99");

    public static readonly byte[] FirmwareBegin = Hex(
        "B5 19 50 11 00 47 E2 59 04 2F CE FD 40 03 02 0F 00 00 00 00 C8 00 02 92 54 02 04 90 1D");

    public static readonly byte[] StatusClockUnset = Hex(
        """
        B5 24 10 11 00 47 E2 59 16 FF FF FF FF 02 12 00
        F3 01 95 FF EB 00 92 FF 0A 96 04 76 02 51 67 12
        0F 91 00 00 02 00 60 AD
        """);

    public static readonly byte[] LastBlock = Telegram(
        Dp1Type.FirmwareBlock, [3, 0, 1, .. Enumerable.Range(128, 72).Select(i => (byte)i), .. Enumerable.Repeat((byte)0xFF, 56)], sequence: 6);

    public static readonly DecodeContext Up = new(Direction.Up, ReceivedAtMs, 0, null, DictionarySet.Empty);

    public static readonly DecodeContext Down = Up with { Direction = Direction.Down };

    public static byte[] Hex(string text) =>
        Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal).ReplaceLineEndings(""));

    /// <summary>A telegram with any body and a right checksum.</summary>
    public static byte[] Telegram(Dp1Type type, ReadOnlySpan<byte> body, byte sequence = 1, uint clock = Clock, byte format = 0x11)
    {
        byte[] head =
        [
            0xB5, (byte)(11 + body.Length), (byte)type, format, 0x00, 0x47, 0xE2, 0x59, sequence,
            (byte)(clock >> 24), (byte)(clock >> 16), (byte)(clock >> 8), (byte)clock,
        ];
        return Sealed([.. head, .. body, 0, 0]);
    }

    /// <summary>The bytes with their last two made the checksum of the others.</summary>
    public static byte[] Sealed(byte[] bytes)
    {
        var crc = Dp1Crc.Compute(bytes.AsSpan(0, bytes.Length - 2));
        (bytes[^2], bytes[^1]) = ((byte)(crc >> 8), (byte)crc);
        return bytes;
    }

    /// <summary>A copy with some bytes changed and the checksum made right again.</summary>
    public static byte[] With(byte[] telegram, int offset, params byte[] values)
    {
        var copy = telegram.ToArray();
        values.CopyTo(copy, offset);
        return Sealed(copy);
    }

    public static Dp1Telegram Decode(byte[] bytes, DecodeContext? context = null)
    {
        var telegram = new Dp1Telegram();
        var error = Dp1Decoder.TryDecode(bytes, context ?? Up, telegram);
        Assert.That(error, Is.EqualTo(DecodeError.None), Convert.ToHexString(bytes));
        return telegram;
    }

    public static DecodeError ErrorOf(byte[] bytes, DecodeContext? context = null) => Dp1Decoder.TryDecode(bytes, context ?? Up, new Dp1Telegram());
}
