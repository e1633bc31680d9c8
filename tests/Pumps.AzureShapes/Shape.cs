namespace Pumps.AzureShapes;

/// <summary>The one answer of every member here.</summary>
internal static class Shape
{
    public static NotSupportedException Only => new(
        "This was built with AzurePackages=shapes: signatures without behaviour. Build with AzurePackages=restore to run it.");
}
