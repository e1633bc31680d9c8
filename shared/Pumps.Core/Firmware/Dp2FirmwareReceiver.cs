using System.Security.Cryptography;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Firmware;

/// <summary>State of a transfer on the device; the numbers are those of DP2 section 9.4.</summary>
public enum Dp2TransferState : byte
{
    Idle = 0,
    Downloading = 1,
    Downloaded = 2,
    Activating = 5,
    TrialBoot = 6,
    Confirmed = 7,
    RolledBack = 8,
    Failed = 9,
    Cancelled = 10,
}

/// <summary>The device's side of a firmware transfer (DP2 section 9): offers, chunks in any order, resume, what is missing, activation.</summary>
/// <remarks>
/// <code>
///              offer              last chunk, hash good   activate       started        confirm
///   idle ───────────> downloading ───────────> downloaded ──────> activating ──> trial boot ──> confirmed
///                       │   ^ chunk, same offer      │                              └─ rollback ──> rolled back
///                       │   └──────────────────      │
///                       ├─ hash wrong, 14 days ──> failed
///                       └─ cancel ───────────────────┴──────> cancelled
/// </code>
/// Every frame gets one reaction:
/// <list type="table">
/// <item><term>accepted</term><description>a new offer; what was stored of another one is dropped</description></item>
/// <item><term>resumed</term><description>the offer in progress again (same transfer, same manifest); nothing is lost</description></item>
/// <item><term>wrong_product, wrong_hardware, downgrade_refused, no_space</term><description>an offer that is not for this device; a transfer in progress goes on</description></item>
/// <item><term>stored</term><description>a chunk that was missing</description></item>
/// <item><term>duplicate</term><description>a chunk that is there already, with the same bytes</description></item>
/// <item><term>verified</term><description>the last missing chunk; the image has the digest of the manifest</description></item>
/// <item><term>unknown_transfer</term><description>a chunk or control of another transfer, or of none</description></item>
/// <item><term>timeout</term><description>the first frame of a transfer more than 14 days after its offer; the transfer has failed</description></item>
/// <item><term>status, cancelled, activating, confirmed, rolled_back</term><description>a control that was carried out</description></item>
/// <item><term>ignored</term><description>a control that does not suit the state, or a frame that has nothing to do with firmware</description></item>
/// <item><term>E_…</term><description>a frame that cannot be read; E_CHUNK: index, length or bytes of a chunk do not fit; E_HASH: all is there, and the digest is wrong</description></item>
/// </list>
/// Pure: time comes in with each frame. Not safe for concurrent use.
/// </remarks>
/// <param name="hardware">Hardware revision of this device.</param>
/// <param name="securityCounter">The stored counter; an offer below it is a downgrade. It rises with <c>confirm</c> only.</param>
/// <param name="keys">The trusted keys.</param>
public sealed class Dp2FirmwareReceiver(uint hardware, ulong securityCounter, IFirmwareSignatures keys)
{
    /// <summary>A transfer that is not complete after this time is given up (section 9.4).</summary>
    public const long GiveUpMs = 14L * 86_400_000;

    private const int BitmapMax = 1024;

    private readonly Dp2Frame _frame = new();
    private Transfer? _transfer;
    private Dp2FirmwareStatus _refusal = new(1, (byte)Dp2TransferState.Idle);
    private bool _isRefused;

    private enum Result : byte
    {
        None = 0,
        NoSpace = 1,
        BadSignature = 2,
        BadHash = 3,
        WrongProduct = 4,
        WrongHardware = 5,
        DowngradeRefused = 6,
        Timeout = 8,
        UnknownKey = 11,
        BadManifest = 12,
        UnknownTransfer = 13,
    }

    private enum Action : byte
    {
        Query = 1,
        Cancel = 2,
        Activate = 3,
        Confirm = 4,
        Rollback = 5,
    }

    /// <summary>UUID of the vendor that this device takes firmware from; null takes it from any whose key is trusted.</summary>
    public byte[]? Vendor { get; init; }

    /// <summary>UUID of the product class of this device; null takes any.</summary>
    public byte[]? ProductClass { get; init; }

    /// <summary>Room for an image, bytes.</summary>
    public uint ImageMax { get; init; } = Dp2Limits.ImageMax;

    /// <summary>Chunks the device can take now, reported in its status; null reports none.</summary>
    public ushort? Window { get; init; }

    public ulong SecurityCounter { get; private set; } = securityCounter;

    /// <summary>The manifest of the transfer in progress or complete; null when there is none.</summary>
    public Dp2Manifest? Manifest => _transfer?.Manifest;

    /// <summary>The verified image; empty until the transfer is complete.</summary>
    public ReadOnlyMemory<byte> Image => _transfer is { IsVerified: true } transfer ? transfer.Image : default;

    /// <summary>Takes one downlink frame and tells what the device makes of it.</summary>
    public string Handle(ReadOnlySpan<byte> frame, long receivedAtMs)
    {
        var context = new DecodeContext(Direction.Down, receivedAtMs, 0, null, DictionarySet.Empty, keys);
        var error = Dp2Decoder.TryDecode(frame, context, _frame);
        _isRefused = false;
        if (error is not DecodeError.None)
            return Unreadable(error);

        return _frame.Body switch
        {
            Dp2FirmwareOffer offer => Offer(offer, receivedAtMs),
            Dp2FirmwareChunk chunk => Expired(chunk.Transfer, receivedAtMs) ? Name(Result.Timeout) : Chunk(chunk),
            Dp2FirmwareControl control => Expired(control.Transfer, receivedAtMs) ? Name(Result.Timeout) : Control(control),
            _ => "ignored",
        };
    }

    /// <summary>What answers the frame that was handled last: that it was refused and why, whatever else is in progress; else <see cref="Status"/>.</summary>
    public Dp2FirmwareStatus Answer() => _isRefused ? _refusal : Status();

    /// <summary>What the device reports by itself: the transfer in progress, or why the last offer was refused.</summary>
    public Dp2FirmwareStatus Status()
    {
        if (_transfer is not { } transfer)
            return _refusal;

        var first = transfer.FirstMissing();
        var count = transfer.Manifest.ChunkCount;
        var bitmap = new byte[Math.Min(BitmapMax, (count - first + 7) / 8)];
        for (var chunk = first; chunk < Math.Min(count, first + bitmap.Length * 8); chunk++)
            if (transfer.Has(chunk))
                bitmap[(chunk - first) >> 3] |= (byte)(1 << ((chunk - first) & 7));

        return new Dp2FirmwareStatus(
            transfer.Id, (byte)transfer.State, transfer.Result is Result.None ? null : (byte)transfer.Result,
            (ushort)count, (ushort)first, bitmap, (ushort)transfer.Received, Window);
    }

    /// <summary>The payload of a firmware_status frame.</summary>
    public static byte[] Payload(Dp2FirmwareStatus status)
    {
        var fields = new Dp2FieldWriter();
        Dp2BodyWriter.Write(fields, status);
        return fields.Written.ToArray();
    }

    /// <summary>The new image has started and reached the cloud; it waits for <c>confirm</c>.</summary>
    public void Started()
    {
        if (_transfer is { State: Dp2TransferState.Activating } transfer)
            transfer.State = Dp2TransferState.TrialBoot;
    }

    /// <summary>The new image did not get its confirmation within 15 minutes, or failed to start three times: the old one runs again.</summary>
    public void FellBack()
    {
        if (_transfer is { State: Dp2TransferState.Activating or Dp2TransferState.TrialBoot } transfer)
            transfer.State = Dp2TransferState.RolledBack;
    }

    private string Unreadable(DecodeError error)
    {
        if (_frame.Body is Dp2FirmwareOffer offer)
            Refuse(offer.Transfer, error switch
            {
                DecodeError.Key => Result.UnknownKey,
                DecodeError.Signature => Result.BadSignature,
                _ => Result.BadManifest,
            });
        return error.Code();
    }

    private string Offer(Dp2FirmwareOffer offer, long receivedAtMs)
    {
        var manifest = offer.Content!;
        if ((Vendor is not null && !Vendor.AsSpan().SequenceEqual(manifest.Vendor))
            || (ProductClass is not null && !ProductClass.AsSpan().SequenceEqual(manifest.Class)))
            return Refuse(offer.Transfer, Result.WrongProduct);
        if (hardware < manifest.HardwareMin || hardware > manifest.HardwareMax)
            return Refuse(offer.Transfer, Result.WrongHardware);
        if (manifest.SecurityCounter < SecurityCounter)
            return Refuse(offer.Transfer, Result.DowngradeRefused);

        if (_transfer is { IsAlive: true } running && running.Id == offer.Transfer && running.Offered.AsSpan().SequenceEqual(offer.Manifest)
            && !Expired(offer.Transfer, receivedAtMs))
            return "resumed";

        if (manifest.ImageSize > ImageMax)
            return Refuse(offer.Transfer, Result.NoSpace);

        _transfer = new Transfer(offer.Transfer, offer.Manifest, manifest, receivedAtMs);
        return "accepted";
    }

    private string Chunk(Dp2FirmwareChunk chunk)
    {
        if (_transfer is not { IsAlive: true } transfer || transfer.Id != chunk.Transfer)
            return Refuse(chunk.Transfer, Result.UnknownTransfer);

        if (chunk.Index >= transfer.Manifest.ChunkCount || chunk.Data.Length != transfer.Manifest.ChunkLength(chunk.Index))
            return DecodeError.Chunk.Code();

        if (transfer.Has(chunk.Index))
            return transfer.Stored(chunk.Index).SequenceEqual(chunk.Data) ? "duplicate" : DecodeError.Chunk.Code();

        transfer.Store(chunk.Index, chunk.Data);
        if (transfer.Received < transfer.Manifest.ChunkCount)
            return "stored";

        if (SHA256.HashData(transfer.Image).AsSpan().SequenceEqual(transfer.Manifest.Sha256))
        {
            transfer.State = Dp2TransferState.Downloaded;
            return "verified";
        }

        transfer.Fail(Result.BadHash);
        return DecodeError.Hash.Code();
    }

    private string Control(Dp2FirmwareControl control)
    {
        if (_transfer is not { } transfer || transfer.Id != control.Transfer)
            return Refuse(control.Transfer, Result.UnknownTransfer);

        switch ((Action)control.Action, transfer.State)
        {
            case (Action.Query, _):
                return "status";

            case (Action.Cancel, Dp2TransferState.Downloading or Dp2TransferState.Downloaded):
                transfer.Cancel();
                return "cancelled";

            case (Action.Activate, Dp2TransferState.Downloaded):
                transfer.State = Dp2TransferState.Activating;
                return "activating";

            case (Action.Confirm, Dp2TransferState.Activating or Dp2TransferState.TrialBoot):
                transfer.State = Dp2TransferState.Confirmed;
                SecurityCounter = Math.Max(SecurityCounter, transfer.Manifest.SecurityCounter);
                return "confirmed";

            case (Action.Rollback, Dp2TransferState.Activating or Dp2TransferState.TrialBoot):
                transfer.State = Dp2TransferState.RolledBack;
                return "rolled_back";

            default:
                return "ignored";
        }
    }

    private bool Expired(uint id, long receivedAtMs)
    {
        if (_transfer is not { State: Dp2TransferState.Downloading } transfer || transfer.Id != id || receivedAtMs - transfer.OfferedAtMs <= GiveUpMs)
            return false;

        transfer.Fail(Result.Timeout);
        return true;
    }

    /// <summary>Refuses a frame; what is in progress goes on, and without anything in progress the status tells why from now on.</summary>
    private string Refuse(uint transfer, Result result)
    {
        _isRefused = true;
        _refusal = new Dp2FirmwareStatus(transfer, (byte)Dp2TransferState.Failed, (byte)result);
        return Name(result);
    }

    private static string Name(Result result) => Dp2Names.FirmwareResult((uint)result)!;

    private sealed class Transfer(uint id, byte[] offered, Dp2Manifest manifest, long offeredAtMs)
    {
        private bool[] _stored = new bool[manifest.ChunkCount];
        private int _firstMissing;

        public uint Id => id;

        public byte[] Offered => offered;

        public Dp2Manifest Manifest => manifest;

        public long OfferedAtMs => offeredAtMs;

        public Dp2TransferState State { get; set; } = Dp2TransferState.Downloading;

        public Result Result { get; private set; }

        public int Received { get; private set; }

        public byte[] Image { get; private set; } = new byte[manifest.ImageSize];

        public bool IsAlive => State is not (Dp2TransferState.Failed or Dp2TransferState.Cancelled);

        public bool IsVerified => IsAlive && State is not Dp2TransferState.Downloading;

        public bool Has(int chunk) => _stored[chunk];

        public ReadOnlySpan<byte> Stored(int chunk) => Image.AsSpan(chunk * manifest.ChunkSize, manifest.ChunkLength(chunk));

        public void Store(int chunk, byte[] data)
        {
            data.CopyTo(Image, chunk * manifest.ChunkSize);
            _stored[chunk] = true;
            Received++;
        }

        /// <summary>The first chunk that is not stored; their number when all are.</summary>
        public int FirstMissing()
        {
            while (_firstMissing < _stored.Length && _stored[_firstMissing])
                _firstMissing++;
            return _firstMissing;
        }

        public void Fail(Result result)
        {
            Discard(Dp2TransferState.Failed);
            Result = result;
        }

        public void Cancel() => Discard(Dp2TransferState.Cancelled);

        private void Discard(Dp2TransferState state)
        {
            State = state;
            Image = [];
            _stored = new bool[manifest.ChunkCount];
            _firstMissing = 0;
            Received = 0;
        }
    }
}
