using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Extensions.Primitives;

namespace Pumps.Handlers.Portal;

/// <summary>Who is signed in at the site, as Azure Static Web Apps says in a header of each request that it passes on.</summary>
/// <remarks>
/// Base64 of <c>{"identityProvider", "userId", "userDetails", "userRoles"}</c>
/// (https://learn.microsoft.com/azure/static-web-apps/user-information). Nothing is signed: the header is true because of who may speak to the
/// app at all, see <see cref="SiteGuard"/>.
/// </remarks>
/// <param name="UserId">The site's own id of the user; another site has another for the same person.</param>
/// <param name="Name">What people call them: the address with which they signed in.</param>
public sealed record SitePrincipal(string UserId, string Name, IReadOnlyList<string> Roles)
{
    public const string Header = "x-ms-client-principal";

    /// <summary>Characters of base64. An id, an address and the 50 roles of 25 characters that a user may have are a quarter of it.</summary>
    public const int HeaderMax = 8192;

    /// <summary>An e-mail address has 254 characters at most.</summary>
    public const int NameMax = 254;

    // The only provider that the site offers: Entra ID. Whoever comes by another has come another way.
    private const string EntraId = "aad";

    // Every user who is signed in has this built-in role; a request of nobody has a principal too, with the role anonymous alone.
    private const string SignedIn = "authenticated";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <returns>Null: nobody. What cannot be read in every detail is nobody, too.</returns>
    public static SitePrincipal? Read(StringValues header)
    {
        // Two of them are one too many: nobody knows which is the site's.
        if (header is not [{ Length: > 0 and <= HeaderMax } base64])
            return null;
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var count) || !Utf8.IsValid(bytes.AsSpan(0, count)))
            return null;

        try
        {
            using var json = JsonDocument.Parse(bytes.AsMemory(0, count), Strict);
            return Read(json.RootElement);
        }
        // The latter: half a surrogate pair, written as an escape.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public bool Has(string role) => Roles.Contains(role, StringComparer.OrdinalIgnoreCase);

    private static SitePrincipal? Read(JsonElement principal)
    {
        if (Text(principal, "identityProvider") != EntraId || Text(principal, "userId") is not { } id || Text(principal, "userDetails") is not { } name
            || !principal.TryGetProperty("userRoles", out var roles) || roles.ValueKind is not JsonValueKind.Array
            || roles.EnumerateArray().Any(r => r.ValueKind is not JsonValueKind.String))
            return null;

        var read = new SitePrincipal(id, name, [.. roles.EnumerateArray().Select(r => r.GetString()!)]);
        return read.Has(SignedIn) ? read : null;
    }

    /// <summary>A text that can stand in the audit; null for anything else.</summary>
    private static string? Text(JsonElement principal, string member) =>
        principal.ValueKind is JsonValueKind.Object && principal.TryGetProperty(member, out var value) && value.ValueKind is JsonValueKind.String
        && value.GetString() is { Length: > 0 and <= NameMax } text && !text.Any(char.IsControl)
            ? text
            : null;
}
