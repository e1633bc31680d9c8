namespace Pumps.Contracts.Tests.Bicep;

/// <summary>What the Bicep CLI says of the files: format, lint with rules as errors, parameters, and the kept snapshots.</summary>
public sealed class BicepFileTests
{
    // Set to 1, the snapshots are written anew instead of compared.
    private static readonly bool Write = Environment.GetEnvironmentVariable("PUMPS_WRITE_SNAPSHOTS") == "1";

    private static IEnumerable<string> Regions => Infrastructure.Regions;

    private static IEnumerable<string> Files =>
        Directory.GetFiles(Infrastructure.Folder, "*.bicep*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".bicep" or ".bicepparam").Select(f => Path.GetRelativePath(Infrastructure.Folder, f)).Order();

    [TestCaseSource(nameof(Files))]
    public void A_file_has_the_format_of_the_formatter(string file)
    {
        var path = Path.Combine(Infrastructure.Folder, file);

        Assert.That(File.ReadAllText(path), Is.EqualTo(Infrastructure.Compiler.Format(path)), "Repair it with: bicep format --pattern 'bicep/**/*.bicep*'");
    }

    [TestCase("main.bicep")]
    [TestCase("bootstrap.bicep")]
    public void A_template_compiles_without_a_warning(string file)
    {
        var (template, diagnostics) = Infrastructure.Compiler.Compile(Path.Combine(Infrastructure.Folder, file));

        Assert.That(diagnostics, Is.Empty);
        Assert.That(template, Is.Not.Empty);
    }

    [TestCaseSource(nameof(Regions))]
    public void The_file_of_a_region_fits_its_type(string region) =>
        Assert.That(Infrastructure.Compiler.CompileParameters(Infrastructure.ParameterFile(region)), Is.Empty);

    [TestCaseSource(nameof(Regions))]
    public void The_kept_snapshot_shows_what_a_deployment_would_create(string region)
    {
        var predicted = Infrastructure.Region(region).Text.ReplaceLineEndings("\n").TrimEnd() + "\n";
        if (Write)
            File.WriteAllText(Infrastructure.SnapshotFile(region), predicted);

        Assert.That(
            File.ReadAllText(Infrastructure.SnapshotFile(region)), Is.EqualTo(predicted),
            "Write it anew, look at its difference and commit it: PUMPS_WRITE_SNAPSHOTS=1 ./pumps test contracts --filter kept_snapshot");
    }

    [Test]
    public void Every_file_says_in_one_line_what_it_is_for() =>
        Assert.Multiple(() =>
        {
            foreach (var file in Files.Where(f => Path.GetExtension(f) == ".bicep"))
                Assert.That(File.ReadAllText(Path.Combine(Infrastructure.Folder, file)), Does.Match("(?m)^metadata description = '.+'$"), file);
        });
}
