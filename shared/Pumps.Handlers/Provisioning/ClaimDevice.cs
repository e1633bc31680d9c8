using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>A claim code as it is stored: never itself.</summary>
/// <param name="Issue">Which code of the device this is; part of the claim's order id, so that a code makes one order.</param>
public sealed record ClaimHash(int Issue, byte[] Salt, byte[] Hash);

/// <summary>A code that is to be stored.</summary>
public sealed record NewClaim(string DeviceId, byte[] Salt, byte[] Hash);

/// <summary>Hashes of claim codes, and who has tried how often. PostgreSQL in both worlds.</summary>
public interface IClaimStore
{
    /// <summary>Keeps the hash of a new code; the one before is worth nothing from now on.</summary>
    Task IssueAsync(NewClaim claim, DateTimeOffset at, CancellationToken cancel);

    Task<ClaimHash?> FindAsync(string deviceId, CancellationToken cancel);

    Task<ClaimAttempts> AttemptsAsync(string subject, CancellationToken cancel);

    /// <returns>False when somebody else has tried since <paramref name="before"/> was read.</returns>
    Task<bool> KeepAttemptsAsync(string subject, ClaimAttempts before, ClaimAttempts after, CancellationToken cancel);

    Task ForgetAttemptsAsync(string subject, CancellationToken cancel);
}

/// <summary>Hashes claim codes slowly, with the region's secret: neither a stolen database nor a fast machine finds a code.</summary>
public sealed class ClaimHasher
{
    // About 30 ms: nothing for an owner, much for who tries 2^60 codes.
    private const int Rounds = 100_000;
    private const int Bytes = 32;
    private const int SaltBytes = 16;
    private const int PepperBytesMin = 32;

    private readonly byte[] _pepper;

    public ClaimHasher(IOptions<ProvisioningOptions> options)
    {
        var pepper = new byte[1024];
        if (!Convert.TryFromBase64String(options.Value.ClaimPepper, pepper, out var count) || count < PepperBytesMin)
            throw new InvalidOperationException(
                $"The setting {ProvisioningOptions.Section}:{nameof(ProvisioningOptions.ClaimPepper)} is missing or not base64 of at least {PepperBytesMin} bytes. Claim codes cannot be checked without it.");
        _pepper = pepper[..count];
    }

    /// <summary>Hashes a code for the first time, with a salt of its own.</summary>
    /// <param name="code">In its normal form.</param>
    public NewClaim Of(string deviceId, string code)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new(deviceId, salt, Hash(deviceId, code, salt));
    }

    /// <param name="code">In its normal form.</param>
    public byte[] Hash(string deviceId, string code, byte[] salt) => Rfc2898DeriveBytes.Pbkdf2(
        HMACSHA256.HashData(_pepper, Encoding.UTF8.GetBytes($"{deviceId}:{code}")), salt, Rounds, HashAlgorithmName.SHA256, Bytes);
}

/// <summary>Issues the code of a device's label. The answer is the only place where it ever stands.</summary>
public sealed class IssueClaimCode(IClaimStore store, IDeviceRows rows, ClaimHasher hasher, IOptions<ProvisioningOptions> options, TimeProvider time)
{
    public async Task<Answer<string>> HandleAsync(string deviceId, CancellationToken cancel)
    {
        if (await rows.FindAsync(deviceId, cancel) is not { Status: not PerformStep.Retired } row)
            return new Answer<string>.Absent(DeviceRoutes.NoDevice(deviceId));
        if (row.Customer != options.Value.StockCustomer)
            return new Answer<string>.Refused("device_not_in_stock", $"Only a device of customer \"{options.Value.StockCustomer}\" can be claimed; this one has an owner.");

        var code = ClaimCode.Create(RandomNumberGenerator.GetBytes(ClaimCode.RandomBytes));
        ClaimCode.TryNormalize(code, out var normal);
        await store.IssueAsync(hasher.Of(deviceId, normal!), time.GetUtcNow(), cancel);
        return new Answer<string>.Found(code);
    }
}

/// <summary>An owner claims a device with the code of its label: the device changes hands from stock to them.</summary>
/// <remarks>
/// Repeating an accepted claim gives the same order. Every try is counted before the code is looked at, for the device and for the claimant, so
/// that tries at the same time gain nothing. A wrong code, a device that does not exist and one that has an owner look the same from outside,
/// in words and in time.
/// </remarks>
public sealed class ClaimDevice(IClaimStore store, IDeviceRows rows, PlaceOrder place, ClaimHasher hasher, IOptions<ProvisioningOptions> options, TimeProvider time, ILogger<ClaimDevice> log)
{
    private static readonly ClaimHash Nobody = new(0, new byte[16], new byte[32]);

    public async Task<Answer<StoredOrder>> HandleAsync(string deviceId, string typed, string customer, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (DeviceCheck.ProtocolOf(deviceId) is null)
            faults.Add(new("invalid_device_id", "device", deviceId, DeviceCheck.IdAllowed));
        if (!DeviceCheck.IsCustomer(customer))
            faults.Add(new("invalid_customer", "customer", customer, Names.IdAllowed));
        // The code itself is repeated nowhere: the right one for another device may have been typed.
        if (!ClaimCode.TryNormalize(typed, out var code))
            faults.Add(new("invalid_code", "code", null, "twelve letters and digits as on the label, XXXX-XXXX-XXXX"));
        if (faults.Count > 0)
            return new Answer<StoredOrder>.Invalid(faults);

        string[] subjects = [$"device:{deviceId}", $"customer:{customer}"];
        foreach (var subject in subjects)
            if (await CountAsync(subject, cancel) is { } wait)
                return new Answer<StoredOrder>.Throttled("too_many_attempts", "Too many codes were tried. Wait, then look at the label again.", wait);

        var stored = await store.FindAsync(deviceId, cancel);
        var expected = stored ?? Nobody;
        var isRight = CryptographicOperations.FixedTimeEquals(hasher.Hash(deviceId, code!, expected.Salt), expected.Hash) && stored is not null;
        var row = await rows.FindAsync(deviceId, cancel);
        if (!isRight || row is null || row.Customer != options.Value.StockCustomer && row.Customer != customer)
        {
            log.ClaimNotAccepted(deviceId, customer);
            return NotAccepted();
        }

        foreach (var subject in subjects)
            await store.ForgetAttemptsAsync(subject, cancel);

        // One code, one order: whoever comes second with the same code asks for another content and is refused.
        var answer = await place.HandleAsync(
            new($"claim-{deviceId}-{expected.Issue}", OrderKind.Change, deviceId, Customer: customer), "claim", cancel);
        return answer is Answer<StoredOrder>.Refused { Rule: "order_id_taken" } or Answer<StoredOrder>.Absent ? NotAccepted() : answer;
    }

    private async Task<TimeSpan?> CountAsync(string subject, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var attempts = await store.AttemptsAsync(subject, cancel);
        return ClaimThrottle.Wait(attempts, now) is { } wait ? wait
            : await store.KeepAttemptsAsync(subject, attempts, ClaimThrottle.Fail(attempts, now), cancel) ? null
            : TimeSpan.FromSeconds(1);
    }

    private static Answer<StoredOrder>.Refused NotAccepted() =>
        new("claim_not_accepted", "Device and code do not belong together, or the device has an owner already. Compare both with the label.");
}
