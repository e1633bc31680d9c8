using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Firmware;

/// <summary>The states that FWPROG reports; the numbers are those on the wire (DP1 section 4.7).</summary>
public enum Dp1FirmwareState : byte
{
    Idle,
    Receiving,
    Verifying,
    Ready,
    Activating,
    Done,
    Failed,
    Aborted,
}

/// <summary>Why a transfer failed; the numbers are those of FWPROG.</summary>
public enum Dp1FirmwareResult : byte
{
    None,
    CrcError,
    FlashError,
    SizeError,
    WrongHardware,
    Timeout,
    LowSupply,
}

/// <summary>How a device answers FWBLOCK; the numbers are those of FWACK.</summary>
public enum Dp1BlockStatus : byte
{
    Stored,
    Duplicate,
    OutOfOrder,
    FlashError,
    WrongImage,
    BadBlock,
}

/// <summary>A device's side of a DP1 firmware transfer (DP1 section 6): telegrams in, reactions out.</summary>
/// <remarks>
/// <code>
///             FWBEGIN                 last block, verify              activate
///   idle ───────────────> receiving ────────────────────> ready ───────────────> activating ──restart──> idle
///                          │  ^  │                          (IDENT with the new version confirms it)
///            wrong_hardware│  │  │size_error: blocks missing, the transfer goes on
///                          v  │  v crc_error: nothing helps but a new FWBEGIN
///                         failed
///   abort: aborted, from every state. FWBEGIN with another image id, abort and a restart discard what was stored.
/// </code>
/// A reaction is one word. FWBEGIN: <c>begin</c>, <c>wrong_hardware</c>. FWBLOCK: <c>stored</c>, <c>duplicate</c>, <c>out_of_order</c>,
/// <c>bad_block</c>, <c>wrong_image</c>. FWCTRL: <c>ready</c>, <c>size_error</c>, <c>crc_error</c> (verify), <c>activating</c>, <c>aborted</c>,
/// <c>wrong_image</c>; the present state's name for status and for an activate that is not due. A telegram that cannot be read gives its error code.
/// Blocks come strictly in order, so the image's checksum is carried along and no block need be kept.
/// </remarks>
/// <param name="hardware">This device's hardware revision; an offer outside its range is refused.</param>
public sealed class Dp1FirmwareReceiver(byte hardware)
{
    private readonly Dp1Telegram _telegram = new();
    private Dp1FirmwareBegin? _offer;
    private byte _image;
    private ushort _next;
    private ushort _crc;

    public Dp1FirmwareState State { get; private set; }

    public Dp1FirmwareResult Result { get; private set; }

    /// <summary>The transfer as FWPROG reports it.</summary>
    public Dp1FirmwareProgress Progress =>
        new(_image, (byte)State, _next, _offer?.Blocks ?? 0, (byte)Result);

    /// <summary>The answer to the FWBLOCK handled last.</summary>
    public Dp1FirmwareAck Ack { get; private set; }

    /// <summary>The version that a restart would start, once the transfer is <see cref="Dp1FirmwareState.Activating"/>.</summary>
    public Dp1Version? Activating => State is Dp1FirmwareState.Activating ? _offer?.Firmware : null;

    /// <summary>Handles one downlink telegram as bytes. Telegrams that are not of a firmware transfer give <c>ignored</c>.</summary>
    public string Handle(ReadOnlySpan<byte> telegram)
    {
        var context = new DecodeContext(Direction.Down, null, 0, null, Dictionaries.DictionarySet.Empty);
        var error = Dp1Decoder.TryDecode(telegram, context, _telegram);
        return error is DecodeError.None ? Handle(_telegram) : error.Code();
    }

    /// <inheritdoc cref="Handle(ReadOnlySpan{byte})"/>
    public string Handle(Dp1Telegram telegram) => telegram.Type switch
    {
        Dp1Type.FirmwareBegin => Begin(telegram.FirmwareBegin),
        Dp1Type.FirmwareBlock => Store(telegram.FirmwareBlock, telegram.BlockData),
        Dp1Type.FirmwareControl => Control(telegram.FirmwareControl),
        _ => "ignored",
    };

    /// <summary>The device has restarted: what was stored is gone, activated or not.</summary>
    public void Restart()
    {
        Discard(Dp1FirmwareState.Idle);
        _image = 0;
    }

    private string Begin(Dp1FirmwareBegin offer)
    {
        // A repeated FWBEGIN must not cost the blocks already stored; after a wrong checksum only a fresh start helps.
        if (offer == _offer && Result is not Dp1FirmwareResult.CrcError)
        {
            (State, Result) = (Dp1FirmwareState.Receiving, Dp1FirmwareResult.None);
            return "begin";
        }

        _image = offer.Image;
        if (hardware < offer.HardwareMin || hardware > offer.HardwareMax)
        {
            Discard(Dp1FirmwareState.Failed, Dp1FirmwareResult.WrongHardware);
            return ResultName;
        }

        Discard(Dp1FirmwareState.Receiving);
        _offer = offer;
        return "begin";
    }

    private string Store(Dp1FirmwareBlock block, ReadOnlySpan<byte> data)
    {
        var status = Judge(block);
        if (status is Dp1BlockStatus.Stored)
        {
            var left = _offer!.Value.ImageSize - (uint)(block.Block * Dp1Layout.BlockSize);
            _crc = Dp1Crc.Append(_crc, data[..(int)Math.Min(left, Dp1Layout.BlockSize)]);
            _next++;
            (State, Result) = (Dp1FirmwareState.Receiving, Dp1FirmwareResult.None);
        }

        Ack = new(block.Image, block.Block, (byte)status, _next);
        return Dp1Codes.BlockStatuses[(int)status];
    }

    private Dp1BlockStatus Judge(Dp1FirmwareBlock block)
    {
        if (_offer is not { } offer || block.Image != offer.Image) return Dp1BlockStatus.WrongImage;
        if (block.Block >= offer.Blocks) return Dp1BlockStatus.BadBlock;
        if (block.Block < _next) return Dp1BlockStatus.Duplicate;

        return block.Block > _next ? Dp1BlockStatus.OutOfOrder : Dp1BlockStatus.Stored;
    }

    private string Control(Dp1FirmwareControl control)
    {
        const byte Verify = 1, Activate = 2, Abort = 3;

        if (_offer is not { } offer || control.Image != offer.Image)
            return Dp1Codes.BlockStatuses[(int)Dp1BlockStatus.WrongImage];

        switch (control.Action)
        {
            case Verify:
                (State, Result) = Check(offer);
                return State is Dp1FirmwareState.Failed ? ResultName : StateName;

            case Activate when State is Dp1FirmwareState.Ready:
                State = Dp1FirmwareState.Activating;
                return StateName;

            case Abort:
                Discard(Dp1FirmwareState.Aborted);
                return StateName;

            default:
                return StateName;
        }
    }

    private (Dp1FirmwareState, Dp1FirmwareResult) Check(Dp1FirmwareBegin offer)
    {
        if (_next != offer.Blocks) return (Dp1FirmwareState.Failed, Dp1FirmwareResult.SizeError);
        if (_crc != offer.ImageCrc) return (Dp1FirmwareState.Failed, Dp1FirmwareResult.CrcError);

        return (Dp1FirmwareState.Ready, Dp1FirmwareResult.None);
    }

    private string StateName => Dp1Codes.FirmwareStates[(int)State];

    private string ResultName => Dp1Codes.FirmwareResults[(int)Result];

    private void Discard(Dp1FirmwareState state, Dp1FirmwareResult result = Dp1FirmwareResult.None)
    {
        (State, Result, _offer, _next, _crc) = (state, result, null, 0, Dp1Crc.Initial);
    }
}
