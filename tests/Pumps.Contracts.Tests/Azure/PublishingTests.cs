using System.Diagnostics;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The build says no where a deployment would fail later.</summary>
public sealed class PublishingTests
{
    [TestCase("Decode")]
    [TestCase("Datapoints")]
    public async Task A_function_app_of_shapes_cannot_be_published(string app)
    {
        var (status, output) = await DotnetAsync("publish", $"functions/{app}", "--no-build", "-p:AzurePackages=shapes");

        Assert.That(status, Is.Not.Zero, output);
        Assert.That(output, Does.Contain("PUMPS002").And.Contain("AzurePackages=restore"));
    }

    [Test]
    public async Task A_misspelt_choice_of_packages_is_an_error_that_names_both_choices()
    {
        var (status, output) = await DotnetAsync("msbuild", "functions/Decode", "-t:Restore", "-p:AzurePackages=shape");

        Assert.That(status, Is.Not.Zero, output);
        Assert.That(output, Does.Contain("PUMPS001").And.Contain("'restore'").And.Contain("'shapes'"));
    }

    private static async Task<(int Status, string Output)> DotnetAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = FunctionApp.Repository, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // What the test host was started with would steer the build inside.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await errors);
    }
}
