using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Section 9: firmware messages.</content>
internal ref partial struct Dp2PayloadReader
{
    private const int ActionActivate = 3;

    private static readonly MessageSchema FirmwareStatusSchema = new(
        Number(1, 1, uint.MaxValue).Must(),
        Number(2, 0, byte.MaxValue).Must(),
        Number(3, 0, byte.MaxValue),
        Number(4, 1, Dp2Limits.ChunksMax),
        Number(5, 0, ushort.MaxValue),
        FieldRule.Bytes(6, 0, 1024),
        Number(7, 0, ushort.MaxValue),
        Number(8, 0, ushort.MaxValue),
        FieldRule.Text(9, 0, 32));

    private static readonly MessageSchema FirmwareOfferSchema = new(
        Number(1, 1, uint.MaxValue).Must(),
        FieldRule.Bytes(2, 1, Dp2Limits.ManifestMax).Must(),
        FieldRule.Bytes(3, 64, 64).Must(),
        FieldRule.Bytes(4, 8, 8).Must());

    private static readonly MessageSchema FirmwareChunkSchema = new(
        Number(1, 1, uint.MaxValue).Must(),
        Number(2, 0, Dp2Limits.ChunksMax - 1).Must(),
        FieldRule.Bytes(3, 1, Dp2Limits.ChunkBytesMax).Must());

    private static readonly MessageSchema FirmwareControlSchema = new(
        Number(1, 1, uint.MaxValue).Must(),
        Number(2, 1, 5).Must(),
        Number(3, 0, Dp2Limits.TimeMax));

    private DecodeError ReadFirmwareStatus()
    {
        var fields = default(MessageFields);
        if (ReadMessage(FirmwareStatusSchema, ref fields) is not DecodeError.None and var error)
            return error;

        if (fields.Has(6) && !(fields.Has(4) && fields.Has(5)))
            return FailAt(_payload.Length, DecodeError.Missing);
        if (fields.Has(4) && fields.Has(5) && fields.Number(5) > fields.Number(4))
            return FailAt(fields[5].Start, DecodeError.Range);

        var body = new Dp2FirmwareStatus(
            (uint)fields.Number(1), (byte)fields.Number(2), (byte?)fields.NumberOrNull(3), (ushort?)fields.NumberOrNull(4),
            (ushort?)fields.NumberOrNull(5), BytesOrNull(fields, 6), (ushort?)fields.NumberOrNull(7), (ushort?)fields.NumberOrNull(8),
            TextOrNull(fields, 9));
        if (body.Bitmap is { } bitmap)
        {
            _at = fields[6].Start;
            var chunks = body.ChunkCount!.Value - body.Base!.Value;
            if (bitmap.Length > (chunks + 7) / 8)
                return DecodeError.Range;
            // The last byte is the only one that can reach beyond the chunks.
            if (bitmap.Length * 8 > chunks && bitmap[^1] >> (chunks % 8) != 0)
                return DecodeError.Field;
        }

        _frame.Body = body;
        WarnUnnamed(Dp2Names.FirmwareState(body.State));
        WarnUnnamed(Dp2Names.FirmwareResult(body.Result ?? 0));
        return DecodeError.None;
    }

    private DecodeError ReadFirmwareOffer()
    {
        var fields = default(MessageFields);
        if (ReadMessage(FirmwareOfferSchema, ref fields) is not DecodeError.None and var error)
            return error;

        var body = new Dp2FirmwareOffer((uint)fields.Number(1), Bytes(fields[2]), Bytes(fields[3]), Bytes(fields[4]));
        _frame.Body = body;
        var keys = _context.Signatures;
        if (keys is null || !keys.Trusts(body.KeyId))
            return FailAt(fields[4].Start, DecodeError.Key);
        if (!keys.Verify(body.KeyId, Dp2Manifest.SignedBytes(body.Manifest), body.Signature))
            return FailAt(fields[3].Start, DecodeError.Signature);

        if (!Dp2Manifest.TryParse(body.Manifest, out var content, ref _warnings))
            return FailAt(fields[2].Content, DecodeError.Manifest);

        _frame.Body = body with { Content = content };
        return DecodeError.None;
    }

    private DecodeError ReadFirmwareChunk()
    {
        var fields = default(MessageFields);
        if (ReadMessage(FirmwareChunkSchema, ref fields) is not DecodeError.None and var error)
            return error;

        _frame.Body = new Dp2FirmwareChunk((uint)fields.Number(1), (ushort)fields.Number(2), Bytes(fields[3]));
        return DecodeError.None;
    }

    private DecodeError ReadFirmwareControl()
    {
        var fields = default(MessageFields);
        if (ReadMessage(FirmwareControlSchema, ref fields) is not DecodeError.None and var error)
            return error;

        if (fields.Has(3) && fields.Number(2) != ActionActivate)
            return FailAt(fields[3].Start, DecodeError.Field);

        _frame.Body = new Dp2FirmwareControl((uint)fields.Number(1), (byte)fields.Number(2), fields.NumberOrNull(3));
        return DecodeError.None;
    }
}
