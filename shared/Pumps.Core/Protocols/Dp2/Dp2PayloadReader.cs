using System.Text;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Checks 15 and 16: the message of a payload whose syntax is good. One part of this struct per section of the protocol.</summary>
/// <remarks>
/// Most frames are plain telemetry, and <see cref="TryReadAtOnce"/> reads those without a walk over the syntax before. It gives up where
/// anything is unusual, be it good or bad; then the syntax is checked and the payload read again from its start.
/// </remarks>
internal ref partial struct Dp2PayloadReader
{
    private readonly ReadOnlySpan<byte> _payload;
    private readonly ref readonly DecodeContext _context;
    private readonly Dp2Frame _frame;
    private readonly bool _isChecked;
    private DecodeWarnings _warnings;
    private int _at;
    private int _samples;

    public Dp2PayloadReader(ReadOnlySpan<byte> payload, in DecodeContext context, Dp2Frame frame, bool isChecked = false)
    {
        _payload = payload;
        _context = ref context;
        _frame = frame;
        _isChecked = isChecked;
    }

    /// <param name="at">On an error: where in the payload the failing check looked.</param>
    public DecodeError Read(out int at)
    {
        var error = _frame.Kind switch
        {
            FrameKind.Telemetry => ReadTelemetry(),
            FrameKind.Event => ReadEvent(),
            FrameKind.Response => ReadResponse(),
            FrameKind.Describe => ReadDescribe(),
            FrameKind.FirmwareStatus => ReadFirmwareStatus(),
            FrameKind.Command => ReadCommand(),
            FrameKind.FirmwareOffer => ReadFirmwareOffer(),
            FrameKind.FirmwareChunk => ReadFirmwareChunk(),
            FrameKind.FirmwareControl => ReadFirmwareControl(),
            _ => ReadAck(),
        };
        _frame.Warnings |= _warnings;
        at = _at;
        return error;
    }

    /// <summary>Check 15 for a whole message.</summary>
    private DecodeError ReadMessage(MessageSchema schema, ref MessageFields fields) =>
        Dp2Messages.Read(schema, _payload, 0, _payload.Length, ref fields, ref _warnings, ref _at);

    /// <summary>Reads a group again that check 15 has found good.</summary>
    private MessageFields ReadGroup(MessageSchema schema, in Dp2Field group)
    {
        var fields = default(MessageFields);
        Dp2Messages.Read(schema, _payload, group.Content, group.End, ref fields, ref _warnings, ref _at);
        return fields;
    }

    private void SetDictionary(ulong id, ulong revision)
    {
        var dictionary = new Dp2DictionaryReference((ushort)id, (ushort)revision, _context.Dictionaries.Find((uint)id));
        _frame.Dictionary = dictionary;
        _warnings |= dictionary.Status switch
        {
            Dp2DictionaryStatus.Newer => DecodeWarnings.DictRevision,
            Dp2DictionaryStatus.Unknown => DecodeWarnings.DictUnknown,
            _ => DecodeWarnings.None,
        };
    }

    private readonly byte[] Bytes(in Dp2Field field) => _payload[field.Content..field.End].ToArray();

    private readonly string Text(in Dp2Field field) => Encoding.UTF8.GetString(_payload[field.Content..field.End]);

    private readonly string? TextOrNull(in MessageFields fields, int id) => fields.Has(id) ? Text(fields[id]) : null;

    private readonly byte[]? BytesOrNull(in MessageFields fields, int id) => fields.Has(id) ? Bytes(fields[id]) : null;

    /// <summary>Reads a container path that check 15 has found good.</summary>
    private readonly Dp2PathStep[]? PathOrNull(in MessageFields fields, int id)
    {
        if (!fields.Has(id))
            return null;

        var steps = new List<Dp2PathStep>();
        for (var position = fields[id].Content; position < fields[id].End;)
        {
            var group = (uint)Dp2Wire.ReadVarint(_payload, ref position);
            steps.Add(new Dp2PathStep(group, Dp2Wire.ReadVarint(_payload, ref position)));
        }

        return [.. steps];
    }

    /// <summary>Enters the container that a path names, and finds its dictionary (null when the path leads to none that is known).</summary>
    private readonly int Enter(Dp2PathStep[]? path, ref DataDictionary? dictionary)
    {
        var container = 0;
        foreach (var step in path ?? [])
            container = Enter(container, step.Group, step.Instance, ref dictionary);
        return container;
    }

    private readonly int Enter(int container, uint group, ulong instance, ref DataDictionary? dictionary)
    {
        var definition = dictionary?.Find(group);
        if (definition is not { Type: PointType.Group })
            definition = null;

        dictionary = definition is null ? null : _context.Dictionaries.Find(definition.Child);
        return _frame.AddContainer(parent: -1, textParent: container, group, instance, definition);
    }

    private DecodeError FailAt(int position, DecodeError error)
    {
        _at = position;
        return error;
    }
}
