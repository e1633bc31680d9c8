using System.Diagnostics;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Writes the message fields of bodies, in ascending order; the tables are in sections 5 to 9.</summary>
internal static class Dp2BodyWriter
{
    public static FrameKind KindOf(Dp2Body body) => body switch
    {
        Dp2Event => FrameKind.Event,
        Dp2Response => FrameKind.Response,
        Dp2Describe => FrameKind.Describe,
        Dp2FirmwareStatus => FrameKind.FirmwareStatus,
        Dp2Command => FrameKind.Command,
        Dp2FirmwareOffer => FrameKind.FirmwareOffer,
        Dp2FirmwareChunk => FrameKind.FirmwareChunk,
        Dp2FirmwareControl => FrameKind.FirmwareControl,
        Dp2Ack => FrameKind.Ack,
        _ => throw new UnreachableException(),
    };

    /// <param name="points">Writes the datapoints into an open group; null when there is no group.</param>
    public static void Write(Dp2FieldWriter fields, Dp2Body body, ushort dictionary, ushort revision, Action? points)
    {
        switch (body)
        {
            case Dp2Event message:
                fields.Unsigned(1, dictionary);
                fields.Unsigned(2, revision);
                Write(fields, message, points);
                break;

            case Dp2Response message:
                fields.Bytes(1, message.Correlation);
                fields.Unsigned(2, message.Status);
                Optional(fields, 3, message.Reason);
                Optional(fields, 4, message.Text);
                if (dictionary != 0)
                {
                    fields.Unsigned(5, dictionary);
                    fields.Unsigned(6, revision);
                }

                Group(fields, 7, points);
                Optional(fields, 8, message.Progress);
                break;

            case Dp2Describe message:
                fields.Unsigned(1, dictionary);
                fields.Unsigned(2, revision);
                Write(fields, message);
                break;

            case Dp2FirmwareStatus message:
                Write(fields, message);
                break;

            case Dp2Command message:
                fields.Bytes(1, message.Correlation);
                fields.Unsigned(2, dictionary);
                fields.Unsigned(3, revision);
                fields.Unsigned(4, message.Code);
                fields.Unsigned(5, message.Expires);
                Group(fields, 6, points);
                Path(fields, 7, message.Path);
                Optional(fields, 8, message.Mode);
                break;

            case Dp2FirmwareOffer message:
                fields.Unsigned(1, message.Transfer);
                fields.Bytes(2, message.Manifest);
                fields.Bytes(3, message.Signature);
                fields.Bytes(4, message.KeyId);
                break;

            case Dp2FirmwareChunk message:
                fields.Unsigned(1, message.Transfer);
                fields.Unsigned(2, message.Index);
                fields.Bytes(3, message.Data);
                break;

            case Dp2FirmwareControl message:
                fields.Unsigned(1, message.Transfer);
                fields.Unsigned(2, message.Action);
                Optional(fields, 3, message.At);
                break;

            case Dp2Ack message:
                foreach (var sequence in message.Sequences)
                    fields.Unsigned(1, sequence);
                break;
        }
    }

    public static void Write(Dp2FieldWriter fields, Dp2FirmwareStatus message)
    {
        fields.Unsigned(1, message.Transfer);
        fields.Unsigned(2, message.State);
        Optional(fields, 3, message.Result);
        Optional(fields, 4, message.ChunkCount);
        Optional(fields, 5, message.Base);
        if (message.Bitmap is { } bitmap)
            fields.Bytes(6, bitmap);
        Optional(fields, 7, message.Received);
        Optional(fields, 8, message.Window);
        Optional(fields, 9, message.Running);
    }

    /// <summary>The manifest as bytes, ready to be signed.</summary>
    public static void Write(Dp2FieldWriter fields, Dp2Manifest manifest)
    {
        fields.Unsigned(1, 1);
        fields.Bytes(2, manifest.Vendor);
        fields.Bytes(3, manifest.Class);
        Optional(fields, 4, manifest.Dictionary);
        fields.Unsigned(5, manifest.HardwareMin);
        fields.Unsigned(6, manifest.HardwareMax);
        fields.Text(7, manifest.Version);
        fields.Unsigned(8, manifest.SecurityCounter);
        fields.Unsigned(9, manifest.ImageSize);
        fields.Bytes(10, manifest.Sha256);
        fields.Unsigned(11, manifest.ChunkSize);
        Optional(fields, 12, manifest.Requires);
        Optional(fields, 13, manifest.Component);
        Optional(fields, 14, manifest.ReleasedMs);
    }

    private static void Write(Dp2FieldWriter fields, Dp2Event message, Action? points)
    {
        fields.Unsigned(3, message.Code);
        fields.Unsigned(4, message.Severity);
        Optional(fields, 5, message.Phase);
        if (message.At is { } at)
            fields.Signed(6, at);
        Optional(fields, 7, message.Text);
        Group(fields, 8, points);
        Optional(fields, 9, message.EventId);
        Path(fields, 10, message.Path);
        if (message.Transition is { } transition)
        {
            Group(fields, 11, () =>
            {
                fields.Unsigned(1, transition.From);
                fields.Unsigned(2, transition.To);
                Optional(fields, 3, transition.Cause);
            });
        }

        if (message.Firmware is { } firmware)
        {
            Group(fields, 12, () =>
            {
                fields.Unsigned(1, firmware.Transfer);
                fields.Unsigned(2, firmware.State);
                Optional(fields, 3, firmware.Received);
                Optional(fields, 4, firmware.Total);
                Optional(fields, 5, firmware.Result);
            });
        }
    }

    private static void Write(Dp2FieldWriter fields, Dp2Describe message)
    {
        Optional(fields, 3, message.Model);
        Optional(fields, 4, message.Firmware);
        Optional(fields, 5, message.Serial);
        if (message.DictionaryHash is { } hash)
            fields.Bytes(6, hash);
        Optional(fields, 7, message.Capabilities);
        foreach (var definition in message.Definitions)
            Group(fields, 8, () => Write(fields, definition));
        Optional(fields, 9, message.FrameMax);
        Optional(fields, 10, message.BootCount);
    }

    private static void Write(Dp2FieldWriter fields, Dp2Definition definition)
    {
        fields.Unsigned(1, definition.Id);
        fields.Text(2, definition.Name);
        Optional(fields, 3, definition.Unit);
        fields.Unsigned(4, (ulong)definition.Type);
        if (definition.Exponent is { } exponent)
            fields.Signed(5, exponent);
        if (definition.Min is { } min)
            fields.Signed(6, min);
        if (definition.Max is { } max)
            fields.Signed(7, max);
        foreach (var (code, label) in definition.Labels ?? [])
        {
            Group(fields, 8, () =>
            {
                fields.Unsigned(1, code);
                fields.Text(2, label);
            });
        }

        Optional(fields, 9, definition.Child);
        Optional(fields, 10, definition.ChildRevision);
        Optional(fields, 11, definition.Access);
    }

    private static void Optional(Dp2FieldWriter fields, uint id, ulong? value)
    {
        if (value is { } number)
            fields.Unsigned(id, number);
    }

    private static void Optional(Dp2FieldWriter fields, uint id, string? value)
    {
        if (value is not null)
            fields.Text(id, value);
    }

    private static void Group(Dp2FieldWriter fields, uint id, Action? content)
    {
        if (content is null)
            return;

        var mark = fields.BeginGroup(id);
        content();
        fields.EndGroup(mark);
    }

    private static void Path(Dp2FieldWriter fields, uint id, Dp2PathStep[]? path)
    {
        if (path is null)
            return;

        var packed = new Dp2FieldWriter();
        foreach (var step in path)
        {
            packed.Varint(step.Group);
            packed.Varint(step.Instance);
        }

        fields.Bytes(id, packed.Written);
    }
}
