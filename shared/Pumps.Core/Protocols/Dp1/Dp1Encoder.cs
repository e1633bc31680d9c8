using System.Text;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>Writes DP1 telegrams: what devices send up and what the cloud sends down. The inverse of <see cref="Dp1Decoder"/>.</summary>
/// <remarks>
/// Every method writes one whole telegram to the start of a span, which needs room for <see cref="SizeMax"/> bytes at most, and returns its size.
/// Arguments that no telegram can carry throw an <see cref="ArgumentException"/>: they come from code, not from the wire.
/// </remarks>
public static class Dp1Encoder
{
    public const int SizeMax = Dp1Layout.TelegramSizeMax;

    /// <summary>What the clock of a device shows at an instant: seconds of its civil time since 2000 (section 3).</summary>
    public static uint ClockAt(DateTimeOffset now, int utcOffsetMinutes) =>
        checked((uint)((now.ToUnixTimeMilliseconds() - Dp1Decoder.EpochMs + 60_000L * utcOffsetMinutes) / 1000));

    /// <summary>Encodes a decoded telegram again: byte for byte what was decoded, codes without a name and values out of range included.</summary>
    public static int Encode(Span<byte> to, Dp1Telegram telegram)
    {
        var header = telegram.Header;
        switch (telegram.Type)
        {
            case Dp1Type.Status: return Points(to, header, Dp1Type.Status, Dp1Layout.Status, telegram);
            case Dp1Type.Batch: return Batch(to, header, telegram);
            case Dp1Type.Counters: return Points(to, header, Dp1Type.Counters, Dp1Layout.Counters, telegram);
            case Dp1Type.Ident: return Ident(to, header, telegram.Ident);
            case Dp1Type.Alarm:
                WriteMasks(to, telegram.Alarm);
                return Points(to, header, Dp1Type.Alarm, Dp1Layout.Alarm, telegram);
            case Dp1Type.State: return StateChange(to, header, telegram.StateChange);
            case Dp1Type.FirmwareProgress: return FirmwareProgress(to, header, telegram.FirmwareProgress);
            case Dp1Type.CommandResponse: return CommandResponse(to, header, telegram.CommandResponse);
            case Dp1Type.FirmwareAck: return FirmwareAck(to, header, telegram.FirmwareAck);
            case Dp1Type.Command: return Command(to, header, telegram.Command);
            case Dp1Type.FirmwareBegin: return FirmwareBegin(to, header, telegram.FirmwareBegin);
            case Dp1Type.FirmwareBlock: return FirmwareBlock(to, header, telegram.FirmwareBlock, telegram.BlockData);
            case Dp1Type.FirmwareControl: return FirmwareControl(to, header, telegram.FirmwareControl);
            default: throw new ArgumentException($"There is no telegram type {telegram.Type}.", nameof(telegram));
        }
    }

    public static byte[] Encode(Dp1Telegram telegram)
    {
        Span<byte> bytes = stackalloc byte[SizeMax];
        return bytes[..Encode(bytes, telegram)].ToArray();
    }

    public static int Status(Span<byte> to, in Dp1Header header, Dp1Readings readings) =>
        Readings(to, header, Dp1Type.Status, Dp1Layout.Status, readings);

    public static int Counters(Span<byte> to, in Dp1Header header, Dp1Readings readings) =>
        Readings(to, header, Dp1Type.Counters, Dp1Layout.Counters, readings);

    public static int Alarm(Span<byte> to, in Dp1Header header, in Dp1Alarm alarm, Dp1Readings readings)
    {
        WriteMasks(to, alarm);
        return Readings(to, header, Dp1Type.Alarm, Dp1Layout.Alarm, readings);
    }

    /// <summary>Encodes stored samples, oldest first, <paramref name="intervalSeconds"/> apart; null stands for a gap: the device was off.</summary>
    public static int Batch(Span<byte> to, in Dp1Header header, uint first, ushort intervalSeconds, ReadOnlySpan<Dp1Readings?> samples)
    {
        WriteBatchHead(to, first, intervalSeconds, samples.Length);
        for (var i = 0; i < samples.Length; i++)
        {
            var record = RecordOf(to, i);
            record.Fill(0xFF);
            if (samples[i] is { } readings)
                foreach (var field in Dp1Layout.Record)
                    field.Write(record, field.Quantize(readings[field.Definition]));
        }

        return Seal(to, header, Dp1Type.Batch, Dp1Layout.BatchHeadSize + samples.Length * Dp1Layout.RecordSize);
    }

    public static int Ident(Span<byte> to, in Dp1Header header, in Dp1Ident ident)
    {
        const int ModelAt = 8;
        if (ident.Model.Length > Dp1Layout.ModelSize || ident.Model.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"The model \"{ident.Model}\" is not at most {Dp1Layout.ModelSize} printable ASCII characters.", nameof(ident));

        var body = to[Dp1Layout.BodyAt..];
        body[0] = ident.Hardware;
        WriteVersion(body[1..], ident.Firmware);
        body[4] = ident.ResetCause;
        WriteUInt16BigEndian(body[5..], ident.Boots);
        body[7] = ident.Capabilities;
        body.Slice(ModelAt, Dp1Layout.ModelSize).Fill((byte)' ');
        Encoding.ASCII.GetBytes(ident.Model, body[ModelAt..]);
        WriteUInt16BigEndian(body[20..], ident.IntervalSeconds);
        body[22] = ident.ProtocolMinor;
        return Seal(to, header, Dp1Type.Ident);
    }

    public static int StateChange(Span<byte> to, in Dp1Header header, in Dp1StateChange change)
    {
        var body = to[Dp1Layout.BodyAt..];
        body[0] = change.From;
        body[1] = change.To;
        body[2] = change.Cause;
        body[3] = change.Mode;
        WriteUInt16BigEndian(body[4..], change.Detail);
        return Seal(to, header, Dp1Type.State);
    }

    public static int FirmwareProgress(Span<byte> to, in Dp1Header header, in Dp1FirmwareProgress progress)
    {
        if (progress.BlocksTotal > Dp1Layout.BlocksMax || progress.BlocksDone > progress.BlocksTotal)
            throw new ArgumentOutOfRangeException(nameof(progress), progress, $"At most {Dp1Layout.BlocksMax} blocks, and no more done than there are.");

        var body = to[Dp1Layout.BodyAt..];
        body[0] = progress.Image;
        body[1] = progress.State;
        WriteUInt16BigEndian(body[2..], progress.BlocksDone);
        WriteUInt16BigEndian(body[4..], progress.BlocksTotal);
        body[6] = progress.Result;
        return Seal(to, header, Dp1Type.FirmwareProgress);
    }

    public static int CommandResponse(Span<byte> to, in Dp1Header header, in Dp1CommandResponse response)
    {
        var body = to[Dp1Layout.BodyAt..];
        WriteUInt16BigEndian(body, response.Token);
        body[2] = response.Code;
        body[3] = response.Result;
        WriteInt16BigEndian(body[4..], response.Detail);
        WriteUInt32BigEndian(body[6..], response.Value);
        return Seal(to, header, Dp1Type.CommandResponse);
    }

    public static int FirmwareAck(Span<byte> to, in Dp1Header header, in Dp1FirmwareAck ack)
    {
        var body = to[Dp1Layout.BodyAt..];
        body[0] = ack.Image;
        WriteUInt16BigEndian(body[1..], ack.Block);
        body[3] = ack.Status;
        WriteUInt16BigEndian(body[4..], ack.Next);
        return Seal(to, header, Dp1Type.FirmwareAck);
    }

    public static int Command(Span<byte> to, in Dp1Header header, in Dp1Command command)
    {
        var known = Dp1CommandInfo.Find(command.Code)
            ?? throw new ArgumentOutOfRangeException(nameof(command), command.Code, "DP1 has no command with this code.");
        if (!known.AllowsArgument1(command.Argument1) || !known.AllowsArgument2(command.Argument2))
            throw new ArgumentOutOfRangeException(nameof(command), command, $"An argument of {known.Name} is outside its range.");

        var body = to[Dp1Layout.BodyAt..];
        WriteUInt16BigEndian(body, command.Token);
        body[2] = command.Code;
        body[3] = command.NoResponse ? (byte)1 : (byte)0;
        WriteInt16BigEndian(body[4..], command.Argument1);
        WriteUInt32BigEndian(body[6..], command.Argument2);
        return Seal(to, header, Dp1Type.Command);
    }

    public static int FirmwareBegin(Span<byte> to, in Dp1Header header, in Dp1FirmwareBegin begin)
    {
        if (begin.ImageSize is 0 or > Dp1Layout.ImageSizeMax || begin.Blocks != Dp1FirmwareBegin.BlocksOf(begin.ImageSize))
            throw new ArgumentOutOfRangeException(
                nameof(begin), begin, $"An image has 1 to {Dp1Layout.ImageSizeMax} bytes in blocks of {Dp1Layout.BlockSize}.");
        if (begin.Image == 0 || begin.HardwareMin > begin.HardwareMax)
            throw new ArgumentOutOfRangeException(nameof(begin), begin, "An image id is 1 to 255, and the lowest hardware is not above the highest.");

        var body = to[Dp1Layout.BodyAt..];
        body[0] = begin.Image;
        WriteVersion(body[1..], begin.Firmware);
        WriteUInt32BigEndian(body[4..], begin.ImageSize);
        WriteUInt16BigEndian(body[8..], begin.Blocks);
        WriteUInt16BigEndian(body[10..], begin.ImageCrc);
        body[12] = begin.HardwareMin;
        body[13] = begin.HardwareMax;
        return Seal(to, header, Dp1Type.FirmwareBegin);
    }

    /// <summary>Encodes one block of an image; a last block shorter than 128 bytes is padded with FF.</summary>
    public static int FirmwareBlock(Span<byte> to, in Dp1Header header, in Dp1FirmwareBlock block, ReadOnlySpan<byte> data)
    {
        if (block.Image == 0 || block.Block >= Dp1Layout.BlocksMax)
            throw new ArgumentOutOfRangeException(nameof(block), block, $"An image id is 1 to 255, a block 0 to {Dp1Layout.BlocksMax - 1}.");
        if (data.Length is 0 or > Dp1Layout.BlockSize)
            throw new ArgumentException($"A block has 1 to {Dp1Layout.BlockSize} bytes, not {data.Length}.", nameof(data));

        var body = to[Dp1Layout.BodyAt..];
        body[0] = block.Image;
        WriteUInt16BigEndian(body[1..], block.Block);
        data.CopyTo(body[3..]);
        body.Slice(3 + data.Length, Dp1Layout.BlockSize - data.Length).Fill(0xFF);
        return Seal(to, header, Dp1Type.FirmwareBlock);
    }

    public static int FirmwareControl(Span<byte> to, in Dp1Header header, in Dp1FirmwareControl control)
    {
        if (control.Image == 0 || Dp1Codes.Label(Dp1Codes.FirmwareActions, control.Action) is null)
            throw new ArgumentOutOfRangeException(nameof(control), control, "An image id is 1 to 255, an action 1 to 4.");

        var body = to[Dp1Layout.BodyAt..];
        body[0] = control.Image;
        body[1] = control.Action;
        return Seal(to, header, Dp1Type.FirmwareControl);
    }

    private static int Readings(Span<byte> to, in Dp1Header header, Dp1Type type, Dp1Field[] fields, Dp1Readings readings)
    {
        foreach (var field in fields)
            field.Write(to[Dp1Layout.BodyAt..], field.Quantize(readings[field.Definition]));
        return Seal(to, header, type);
    }

    private static int Points(Span<byte> to, in Dp1Header header, Dp1Type type, Dp1Field[] fields, Dp1Telegram telegram)
    {
        WritePoints(to[Dp1Layout.BodyAt..], fields, telegram.Points.Points);
        return Seal(to, header, type);
    }

    private static int Batch(Span<byte> to, in Dp1Header header, Dp1Telegram telegram)
    {
        var batch = telegram.Batch;
        var points = telegram.Points.Points;
        WriteBatchHead(to, batch.First, batch.IntervalSeconds, batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            var record = RecordOf(to, i);
            record.Fill(0xFF);
            if (batch.IsGap(i))
                continue;

            WritePoints(record, Dp1Layout.Record, points);
            points = points[Dp1Layout.Record.Length..];
        }

        return Seal(to, header, Dp1Type.Batch, Dp1Layout.BatchHeadSize + batch.Count * Dp1Layout.RecordSize);
    }

    private static void WritePoints(Span<byte> to, Dp1Field[] fields, ReadOnlySpan<Datapoint> points)
    {
        for (var i = 0; i < fields.Length; i++)
            fields[i].Write(to, points[i].HasValue ? fields[i].RawOf((long)points[i].Bits) : fields[i].NotAvailable);
    }

    private static void WriteBatchHead(Span<byte> to, uint first, ushort intervalSeconds, int count)
    {
        if (count is < 1 or > Dp1Layout.SamplesMax)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"A BATCH has 1 to {Dp1Layout.SamplesMax} samples.");
        if (intervalSeconds is < 1 or > Dp1Layout.IntervalMax)
            throw new ArgumentOutOfRangeException(nameof(intervalSeconds), intervalSeconds, $"Samples are 1 to {Dp1Layout.IntervalMax} s apart.");

        var body = to[Dp1Layout.BodyAt..];
        WriteUInt32BigEndian(body, first);
        WriteUInt16BigEndian(body[4..], intervalSeconds);
        body[6] = (byte)count;
    }

    private static Span<byte> RecordOf(Span<byte> to, int sample) =>
        to.Slice(Dp1Layout.BodyAt + Dp1Layout.BatchHeadSize + sample * Dp1Layout.RecordSize, Dp1Layout.RecordSize);

    private static void WriteMasks(Span<byte> to, in Dp1Alarm alarm)
    {
        if (alarm.First is > 31 and not Dp1Layout.NoAlarm)
            throw new ArgumentOutOfRangeException(nameof(alarm), alarm.First, "The first alarm is a bit 0 to 31, or 255 for none.");

        var body = to[Dp1Layout.BodyAt..];
        WriteUInt32BigEndian(body, alarm.Active);
        WriteUInt32BigEndian(body[4..], alarm.Changed);
        body[8] = alarm.First;
    }

    private static void WriteVersion(Span<byte> to, Dp1Version version) => (to[0], to[1], to[2]) = (version.Major, version.Minor, version.Patch);

    private static int Seal(Span<byte> to, in Dp1Header header, Dp1Type type) => Seal(to, header, type, Dp1TypeInfo.Of(type).BodySize);

    /// <summary>Writes the head and the checksum around a body.</summary>
    private static int Seal(Span<byte> to, in Dp1Header header, Dp1Type type, int bodySize)
    {
        if (header.SizeClass > 0xF)
            throw new ArgumentOutOfRangeException(nameof(header), header.SizeClass, "The size class has four bits.");

        var crcAt = Dp1Layout.BodyAt + bodySize;
        to[0] = Dp1Layout.StartDelimiter;
        to[1] = (byte)(crcAt - 2);
        to[2] = (byte)type;
        to[3] = (byte)((Dp1Layout.FormatVersion << 4) | header.SizeClass);
        WriteUInt32BigEndian(to[4..], header.Serial);
        to[8] = header.Sequence;
        WriteUInt32BigEndian(to[9..], header.Clock);
        WriteUInt16BigEndian(to[crcAt..], Dp1Crc.Compute(to[..crcAt]));
        return crcAt + 2;
    }
}
