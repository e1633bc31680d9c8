using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Handlers.Offerings;

namespace Pumps.LocalRegion.Cli;

/// <summary>The folder of DP2 dictionaries that <c>decode</c> and <c>vectors</c> read with; by default the catalog's own.</summary>
internal static class DictionaryFolder
{
    public static Option<DirectoryInfo?> CreateOption() => new("--dictionaries")
    {
        Description = "Folder of DP2 dictionary files. Default: the registered ones.",
    };

    /// <summary>Reads every dictionary in the folder; what is wrong is written to <paramref name="errors"/>, with the file.</summary>
    public static bool TryRead(DirectoryInfo? folder, TextWriter errors, [NotNullWhen(true)] out DictionarySet? dictionaries)
    {
        dictionaries = null;
        folder ??= new(Path.Combine(CatalogLoader.DefaultFolder, "dictionaries"));
        if (!folder.Exists)
        {
            errors.WriteLine($"{folder}: there is no such folder. Name the folder with the dictionary files with --dictionaries.");
            return false;
        }

        var read = new Dictionary<ushort, DataDictionary>();
        foreach (var file in folder.GetFiles("*.json"))
        {
            try
            {
                var dictionary = DictionaryJson.Parse(File.ReadAllBytes(file.FullName));
                read[dictionary.Id] = dictionary;
            }
            catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException or FormatException or JsonException or InvalidOperationException)
            {
                errors.WriteLine($"{file.FullName}: {wrong.Message}");
                return false;
            }
        }

        dictionaries = new(read.Values);
        return true;
    }
}
