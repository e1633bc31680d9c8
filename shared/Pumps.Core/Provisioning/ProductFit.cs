using Pumps.Core.Offerings;

namespace Pumps.Core.Provisioning;

/// <summary>What a device said of itself when it connected: DP1 IDENT or DP2 describe.</summary>
/// <param name="Dictionary">DP2 only: the data dictionary that the device speaks.</param>
public sealed record DeviceHello(string DeviceId, string? Model, string? Firmware, int? Dictionary);

/// <summary>Whether a device is of a product.</summary>
public static class ProductFit
{
    /// <returns>What does not fit, for people; null when it fits. What a device does not say is not held against it.</returns>
    public static string? Misfit(Product product, DeviceHello hello) =>
        hello.Model is { Length: > 0 } model && !product.Models.Any(m => Matches(m, model))
            ? $"The device says that it is a \"{model}\"; product {product.Id} has {string.Join(", ", product.Models)}."
        : hello.Dictionary is { } dictionary && dictionary != product.Dictionary
            ? $"The device speaks data dictionary {dictionary}; product {product.Id} has {product.Dictionary}."
        : null;

    private static bool Matches(string pattern, string model) =>
        pattern.EndsWith('*') ? model.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal) : model == pattern;
}
