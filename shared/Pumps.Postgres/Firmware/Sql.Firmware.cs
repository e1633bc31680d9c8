namespace Pumps.Postgres;

internal static partial class Sql
{
    public static readonly string AddImage = Statement("Firmware/AddImage.sql");
    public static readonly string FindImage = Statement("Firmware/FindImage.sql");
    public static readonly string ReadImage = Statement("Firmware/ReadImage.sql");
    public static readonly string ListImages = Statement("Firmware/ListImages.sql");
    public static readonly string LockImage = Statement("Firmware/LockImage.sql");
    public static readonly string RemoveImage = Statement("Firmware/RemoveImage.sql");
    public static readonly string LockPlacing = Statement("Firmware/LockPlacing.sql");
    public static readonly string CountRolloutTargets = Statement("Firmware/CountRolloutTargets.sql");
    public static readonly string PlaceRollout = Statement("Firmware/PlaceRollout.sql");
    public static readonly string FindRollout = Statement("Firmware/FindRollout.sql");
    public static readonly string ListRollouts = Statement("Firmware/ListRollouts.sql");
    public static readonly string ListOpenRollouts = Statement("Firmware/ListOpenRollouts.sql");
    public static readonly string CountTransfers = Statement("Firmware/CountTransfers.sql");
    public static readonly string KeepRollout = Statement("Firmware/KeepRollout.sql");
    public static readonly string StartWave = Statement("Firmware/StartWave.sql");
    public static readonly string CancelWaiting = Statement("Firmware/CancelWaiting.sql");
    public static readonly string RecallTransfers = Statement("Firmware/RecallTransfers.sql");
    public static readonly string ListTransfers = Statement("Firmware/ListTransfers.sql");
    public static readonly string ListDeviceTransfers = Statement("Firmware/ListDeviceTransfers.sql");
    public static readonly string LockClaim = Statement("Firmware/LockClaim.sql");
    public static readonly string ClaimTransfers = Statement("Firmware/ClaimTransfers.sql");
    public static readonly string TakeOverTransfers = Statement("Firmware/TakeOverTransfers.sql");
    public static readonly string TakeTransfer = Statement("Firmware/TakeTransfer.sql");
    public static readonly string ReadTransfer = Statement("Firmware/ReadTransfer.sql");
    public static readonly string KeepTransfer = Statement("Firmware/KeepTransfer.sql");
    public static readonly string NoteTransfer = Statement("Firmware/NoteTransfer.sql");
    public static readonly string WakeTransfers = Statement("Firmware/WakeTransfers.sql");
    public static readonly string NumberFrames = Statement("Firmware/NumberFrames.sql");
    public static readonly string RemoveTransfers = Statement("Firmware/RemoveTransfers.sql");
    public static readonly string RemoveRollouts = Statement("Firmware/RemoveRollouts.sql");
}
