using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>What stands in the header of a frame to be sent.</summary>
/// <param name="TimeMs">When the frame is built, ms since 1970 UTC; 0 when the clock is not set.</param>
public readonly record struct Dp2Header(ulong Device, uint Sequence, long TimeMs)
{
    /// <summary>Content was buffered: it must not replace a newer live value.</summary>
    public bool Historical { get; init; }

    /// <summary>The frame is repeated, with the same sequence number, until it is acknowledged.</summary>
    public bool AckRequested { get; init; }

    public byte MinorVersion { get; init; }

    public ReadOnlyMemory<byte> Extension { get; init; }

    /// <summary>Compress the payload when that makes it smaller; <c>Always</c> is for payloads above 8192 bytes and for tests.</summary>
    public Dp2Compression Compression { get; init; }
}

public enum Dp2Compression : byte
{
    Never,
    WhenSmaller,
    Always,
}

/// <summary>Writes DP2 frames, fields in ascending order of their ids. Used by the cloud for the downlink and by simulated devices.</summary>
/// <remarks>
/// The writer keeps to the form of the protocol, not to its ranges: a test must be able to write what a decoder refuses.
/// Only what cannot be a frame at all (a payload or header that is too long) is an <see cref="ArgumentException"/>.
/// </remarks>
public static class Dp2Encoder
{
    /// <summary>A telemetry frame; a heartbeat when nothing is written into it.</summary>
    public static byte[] Telemetry(in Dp2Header header, ushort dictionary, ushort revision, Action<Dp2TelemetryWriter>? content = null)
    {
        var fields = new Dp2FieldWriter();
        fields.Unsigned(1, dictionary);
        fields.Unsigned(2, revision);
        content?.Invoke(new Dp2TelemetryWriter(fields));
        return Frame(FrameKind.Telemetry, header, fields.Written);
    }

    /// <summary>A frame of any other kind. Events, describes and commands name their dictionary; responses do so when they carry points.</summary>
    /// <param name="points">Context of an event, results of a response, arguments of a command.</param>
    public static byte[] Encode(
        in Dp2Header header, Dp2Body body, ushort dictionary = 0, ushort revision = 0, Action<Dp2PointsWriter>? points = null)
    {
        var fields = new Dp2FieldWriter();
        var writer = new Dp2PointsWriter(fields);
        Dp2BodyWriter.Write(fields, body, dictionary, revision, points is null ? null : () => points(writer));
        return Frame(Dp2BodyWriter.KindOf(body), header, fields.Written);
    }

    /// <summary>A decoded frame as bytes again. They decode to the same; what the decoder dropped (unknown fields, duplicates) is gone.</summary>
    public static byte[] Encode(Dp2Frame frame)
    {
        var header = new Dp2Header(frame.Device, frame.Sequence, frame.DeviceMs ?? 0)
        {
            Historical = frame.Historical,
            AckRequested = frame.AckRequested,
            MinorVersion = frame.MinorVersion,
            Extension = frame.HeaderExtension,
            Compression = frame.Compressed ? Dp2Compression.Always : Dp2Compression.Never,
        };

        var fields = new Dp2FieldWriter();
        new Dp2FrameWriter(frame, fields).Write();
        return Frame(frame.Kind, header, fields.Written);
    }

    /// <summary>A frame around any payload.</summary>
    /// <exception cref="ArgumentException">The header extension or the payload does not fit a frame.</exception>
    public static byte[] Frame(FrameKind kind, in Dp2Header header, ReadOnlySpan<byte> payload)
    {
        var target = new ArrayBufferWriter<byte>(payload.Length + Dp2Limits.HeaderMax + Dp2Limits.CrcSize);
        WriteFrame(target, kind, header, payload);
        return target.WrittenSpan.ToArray();
    }

    /// <inheritdoc cref="Frame"/>
    public static void WriteFrame(IBufferWriter<byte> target, FrameKind kind, in Dp2Header header, ReadOnlySpan<byte> payload)
    {
        var compressed = header.Compression is not Dp2Compression.Never ? Compress(payload) : null;
        if (header.Compression is Dp2Compression.WhenSmaller && compressed!.Length >= payload.Length)
            compressed = null;
        if (compressed is not null)
            payload = compressed;

        var headerLength = Dp2Limits.HeaderMin + header.Extension.Length;
        if (headerLength > Dp2Limits.HeaderMax)
            throw new ArgumentException($"header extension of {header.Extension.Length} bytes; the longest is {Dp2Limits.HeaderMax - Dp2Limits.HeaderMin}");
        if (payload.Length > Dp2Limits.PayloadMax)
            throw new ArgumentException($"payload of {payload.Length} bytes; the longest is {Dp2Limits.PayloadMax}");

        var crcAt = headerLength + payload.Length;
        var frame = target.GetSpan(crcAt + Dp2Limits.CrcSize)[..(crcAt + Dp2Limits.CrcSize)];
        frame[0] = Dp2Decoder.Magic0;
        frame[1] = Dp2Decoder.Magic1;
        frame[2] = (byte)(Dp2Decoder.MajorVersion << 4 | header.MinorVersion);
        frame[3] = (byte)headerLength;
        frame[4] = (byte)((compressed is not null ? Dp2Decoder.FlagCompressed : 0)
            | (header.Historical ? Dp2Decoder.FlagHistorical : 0)
            | (header.AckRequested ? Dp2Decoder.FlagAckRequested : 0));
        frame[5] = Dp2Decoder.CodeOf(kind);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[6..], (ushort)payload.Length);
        BinaryPrimitives.WriteUInt64BigEndian(frame[8..], header.Device);
        BinaryPrimitives.WriteInt64LittleEndian(frame[16..], header.TimeMs);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[24..], header.Sequence);
        header.Extension.Span.CopyTo(frame[Dp2Limits.HeaderMin..]);
        payload.CopyTo(frame[headerLength..]);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[crcAt..], Crc32C.Compute(frame[..crcAt]));
        target.Advance(crcAt + Dp2Limits.CrcSize);
    }

    private static byte[] Compress(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > Dp2Limits.InflatedMax)
            throw new ArgumentException($"payload of {payload.Length} bytes before compression; the longest is {Dp2Limits.InflatedMax}");

        var size = new Dp2FieldWriter();
        size.Varint((uint)payload.Length);
        using var target = new MemoryStream();
        target.Write(size.Written);
        using (var deflate = new DeflateStream(target, CompressionLevel.SmallestSize, leaveOpen: true))
            deflate.Write(payload);

        // An empty payload makes the stream class write nothing; one empty final block is the shortest stream.
        return payload.IsEmpty ? [.. size.Written, 0x03, 0x00] : target.ToArray();
    }
}
