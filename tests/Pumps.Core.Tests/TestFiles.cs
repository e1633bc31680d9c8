using System.Runtime.CompilerServices;

namespace Pumps.Core.Tests;

/// <summary>Where test data lies in the source tree.</summary>
internal static class TestFiles
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "../.."));

    public static string Vectors { get; } = Path.Combine(Here(), "Vectors");

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
