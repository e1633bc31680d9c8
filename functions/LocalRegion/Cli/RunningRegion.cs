using System.Text.Json;

namespace Pumps.LocalRegion.Cli;

/// <summary>Finds the region that runs on a data folder: while it runs, it keeps its address in <c>region.json</c>.</summary>
internal static class RunningRegion
{
    public static FileInfo FileIn(DirectoryInfo data) => new(Path.Combine(data.FullName, "region.json"));

    /// <returns>The address of its API; null when no region runs there.</returns>
    /// <exception cref="JsonException">The file is there and cannot be read.</exception>
    public static async Task<Uri?> FindAsync(DirectoryInfo data, CancellationToken cancel)
    {
        var file = FileIn(data);
        if (!file.Exists)
            return null;

        await using var stream = file.OpenRead();
        using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancel);
        return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("url", out var url)
            && Uri.TryCreate(url.ToString(), UriKind.Absolute, out var address)
            ? address
            : throw new JsonException("\"url\" is missing or not an address");
    }
}
