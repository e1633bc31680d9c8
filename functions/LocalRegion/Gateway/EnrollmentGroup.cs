using System.Security.Cryptography;
using System.Text;

namespace Pumps.LocalRegion.Gateway;

/// <summary>
/// The symmetric-key enrollment group of the region: from its two keys follow those of every device, so that a factory can give a device its key
/// without asking the region. The keys are made once, in <c>enrollment.keys</c> (readable by the owner alone), and are written nowhere else.
/// </summary>
/// <remarks>
/// <code>
/// device's key = HMAC-SHA256(group's key, registration id)
/// </code>
/// Source: "Symmetric key attestation", Azure IoT Hub Device Provisioning Service documentation. The registration id is the device id.
/// </remarks>
public sealed class EnrollmentGroup
{
    // As long as the keys that Azure makes for a group.
    private const int KeyBytes = 64;
    private const string Primary = "primary=";
    private const string Secondary = "secondary=";

    private readonly byte[] _primary;
    private readonly byte[] _secondary;

    private EnrollmentGroup(byte[] primary, byte[] secondary) => (_primary, _secondary) = (primary, secondary);

    /// <summary>Where the keys of a gateway with this data folder are.</summary>
    public static string FileIn(string folder) => Path.Combine(folder, "enrollment.keys");

    /// <summary>Reads the group's keys from the folder, or makes them there.</summary>
    /// <exception cref="InvalidOperationException">The file cannot be read; the message says what to do.</exception>
    public static EnrollmentGroup Open(string folder)
    {
        var file = FileIn(folder);
        if (!File.Exists(file))
            SecretFile.Write(file, $"{Primary}{NewKey()}\n{Secondary}{NewKey()}");
        return Read(file);
    }

    /// <summary>Reads the group's keys.</summary>
    /// <exception cref="InvalidOperationException">The file cannot be read; the message says what to do.</exception>
    public static EnrollmentGroup Read(string file)
    {
        try
        {
            if (File.ReadAllLines(file) is [var primary, var secondary, ..]
                && primary.StartsWith(Primary, StringComparison.Ordinal) && secondary.StartsWith(Secondary, StringComparison.Ordinal))
                return new(Convert.FromBase64String(primary[Primary.Length..]), Convert.FromBase64String(secondary[Secondary.Length..]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"The keys of the enrollment group cannot be read: {e.Message}", e);
        }
        catch (FormatException)
        {
            // Said below, without the text that is no key: it may be one with a letter too many.
        }

        throw new InvalidOperationException(
            $"{file} does not hold the two keys of the enrollment group, one a line: {Primary}<base64> and {Secondary}<base64>. "
            + "Restore the file, or delete it: with a new group, every device needs a new key.");
    }

    /// <summary>A device's own keys, primary then secondary, as <see cref="DeviceEntry.Keys"/> holds them.</summary>
    internal byte[] KeysOf(string registrationId)
    {
        var id = Encoding.UTF8.GetBytes(registrationId);
        return [.. HMACSHA256.HashData(_primary, id), .. HMACSHA256.HashData(_secondary, id)];
    }

    /// <summary>A device's own primary key, base64: what a factory writes into the device.</summary>
    public string PrimaryKeyOf(string registrationId) =>
        Convert.ToBase64String(HMACSHA256.HashData(_primary, Encoding.UTF8.GetBytes(registrationId)));

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));
}
