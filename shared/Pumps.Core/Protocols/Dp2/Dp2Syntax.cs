namespace Pumps.Core.Protocols.Dp2;

/// <summary>Check 14: the syntax of all fields of a payload, also of those that nobody will read.</summary>
internal static class Dp2Syntax
{
    /// <summary>Walks all fields, depth first, left to right. Time is linear in the payload, memory constant.</summary>
    /// <param name="at">On an error: the position of the byte that the failing check looked at.</param>
    public static DecodeError Check(ReadOnlySpan<byte> payload, out int at)
    {
        Span<int> ends = stackalloc int[Dp2Limits.DepthMax + 1];
        ends[0] = payload.Length;
        var depth = 0;
        var fields = 0;
        var position = 0;

        while (true)
        {
            while (position == ends[depth])
            {
                if (depth-- == 0)
                {
                    at = position;
                    return DecodeError.None;
                }
            }

            var end = ends[depth];
            at = position;
            if (Dp2Wire.TryReadVarint(payload, ref position, end, out var tag) is not DecodeError.None and var badTag)
                return Fail(badTag, position, out at);

            if (tag >> 3 is 0 or > Dp2Limits.FieldIdMax)
                return DecodeError.Tag;

            if (++fields > Dp2Limits.FieldsMax)
                return DecodeError.Count;

            at = position;
            DecodeError error;
            switch ((WireType)(tag & 7))
            {
                case WireType.Uvarint:
                case WireType.Svarint:
                    if ((error = Dp2Wire.TryReadVarint(payload, ref position, end, out _)) is not DecodeError.None)
                        return Fail(error, position, out at);
                    break;

                case WireType.Bytes:
                case WireType.Group:
                    if ((error = Dp2Wire.TryReadVarint(payload, ref position, end, out var length)) is not DecodeError.None)
                        return Fail(error, position, out at);
                    if (length > (ulong)(end - position))
                        return DecodeError.Tlv;

                    if ((WireType)(tag & 7) is WireType.Bytes)
                        position += (int)length;
                    else if (depth == Dp2Limits.DepthMax)
                        return DecodeError.Depth;
                    else
                        ends[++depth] = position + (int)length;
                    break;

                case WireType.F32:
                    if (end - position < 4)
                        return DecodeError.Tlv;
                    position += 4;
                    break;

                case WireType.F64:
                    if (end - position < 8)
                        return DecodeError.Tlv;
                    position += 8;
                    break;

                case WireType.Dec:
                    if (position == end)
                        return DecodeError.Tlv;
                    if ((sbyte)payload[position] is < -Dp2Limits.ExponentMax or > Dp2Limits.ExponentMax)
                        return DecodeError.Range;
                    position++;
                    if ((error = Dp2Wire.TryReadVarint(payload, ref position, end, out _)) is not DecodeError.None)
                        return Fail(error, position, out at);
                    break;

                case WireType.Null:
                    if (position == end)
                        return DecodeError.Tlv;
                    position++;
                    break;
            }
        }
    }

    private static DecodeError Fail(DecodeError error, int position, out int at)
    {
        at = position;
        return error;
    }
}
