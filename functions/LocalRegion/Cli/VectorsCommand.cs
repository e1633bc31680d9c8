using System.CommandLine;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Vectors;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps vectors</c>: runs test vectors and sessions of the device protocols and says which came out as expected.</summary>
public static class VectorsCommand
{
    // A vector that fails usually fails in one place; with more the first few tell enough.
    private const int DifferencesShown = 5;

    /// <param name="keys">Makes the check of firmware signatures from trusted keys, key id to public key as hex.</param>
    public static Command Create(Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys)
    {
        var files = new Argument<string[]>("files") { Description = "Vector or session files.", Arity = ArgumentArity.OneOrMore };
        var dictionaries = DictionaryFolder.CreateOption();
        var command = new Command("vectors", "Run protocol test vectors. The last line is \"N passed, N failed\"; exit code 1 if any failed.")
        {
            files, dictionaries,
        };
        command.SetAction(parsed => Run(
            parsed.GetValue(files)!, parsed.GetValue(dictionaries), keys, parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(
        string[] files, DirectoryInfo? folder, Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys, TextWriter output, TextWriter errors)
    {
        if (!DictionaryFolder.TryRead(folder, errors, out var dictionaries))
            return 1;

        var runner = new VectorRunner(dictionaries, keys);
        var (passed, failed, unreadable) = (0, 0, 0);
        foreach (var file in files)
        {
            if (Run(runner, file, errors) is not { } report)
            {
                unreadable++;
                continue;
            }

            Print(report, output);
            passed += report.Passed;
            failed += report.Failed;
        }

        // A file that could not be read must not look like success to whoever reads the last line only.
        failed += unreadable;
        output.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 ? 0 : 1;
    }

    private static VectorReport? Run(VectorRunner runner, string file, TextWriter errors)
    {
        try
        {
            return runner.Run(Path.GetFileName(file), File.ReadAllBytes(file));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or FormatException)
        {
            errors.WriteLine($"{file}: {unreadable.Message}");
            return null;
        }
    }

    private static void Print(VectorReport report, TextWriter output)
    {
        output.WriteLine($"{report.File}: {report.Passed} of {report.Passed + report.Failed}");
        foreach (var failure in report.Failures)
        {
            output.WriteLine($"  {failure}");
            foreach (var difference in failure.Differences.Take(DifferencesShown))
                output.WriteLine($"    {difference}");
            if (failure.Differences.Count > DifferencesShown)
                output.WriteLine($"    and {failure.Differences.Count - DifferencesShown} more differences");
        }
    }
}
