using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary>The way of a command to the API of the running region, and what it says when there is none.</summary>
internal sealed class RegionApi
{
    // Somebody waits at a terminal; an upload of a large file takes its time.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly Option<Uri?> _url = new("--url")
    {
        Description = "Address of the region's API. Default: that of the region which runs on the data folder.",
        CustomParser = result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https"))
                return address;
            result.AddError($"--url is \"{result.Tokens[0].Value}\"; it must be an address like http://127.0.0.1:8080.");
            return null;
        },
    };

    private readonly Option<DirectoryInfo> _data = new("--data")
    {
        Description = "Data folder of the region.", DefaultValueFactory = _ => new DirectoryInfo(".local"),
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print the answer as it is." };

    /// <summary>Adds the options of this class to a command that calls the region.</summary>
    public Command On(Command command)
    {
        command.Add(_url);
        command.Add(_data);
        command.Add(_json);
        return command;
    }

    /// <summary>Sends a request and shows its answer; the exit code is 0 when the region did what was asked, else 1.</summary>
    public async Task<int> CallAsync(
        ParseResult parsed, IAnsiConsole console, HttpMethod method, string path, HttpContent? body, Action<JsonElement> show, CancellationToken cancel)
    {
        try
        {
            if (await FindAsync(parsed, cancel) is not { } url)
                return Say(console, $"No region runs on {parsed.GetValue(_data)!.FullName}. Start one with \"pumps up\", or name one with --url.");

            using var http = new HttpClient { BaseAddress = url, Timeout = Patience };
            using var request = new HttpRequestMessage(method, path) { Content = body };
            using var answer = await http.SendAsync(request, cancel);
            var text = await answer.Content.ReadAsStringAsync(cancel);
            if (!answer.IsSuccessStatusCode)
                return Say(console, $"The region answers {(int)answer.StatusCode}: {DetailOf(text)}");

            if (parsed.GetValue(_json))
                console.Profile.Out.Writer.WriteLine(text);
            else
                show(JsonSerializer.Deserialize<JsonElement>(text));
            return 0;
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Say(console, $"The region did not answer within {Patience.TotalMinutes:0} minutes.");
        }
        catch (JsonException error)
        {
            return Say(console, $"The region's answer, or its region.json, cannot be read: {error.Message}");
        }
        catch (HttpRequestException error)
        {
            return Say(console, $"The region does not answer: {error.Message}. Is it running? \"pumps status\" shows it.");
        }
    }

    private async Task<Uri?> FindAsync(ParseResult parsed, CancellationToken cancel) =>
        parsed.GetValue(_url) ?? await RunningRegion.FindAsync(parsed.GetValue(_data)!, cancel);

    private static string DetailOf(string text)
    {
        try
        {
            var problem = JsonSerializer.Deserialize<JsonElement>(text);
            return problem.TryGetProperty("detail", out var detail) ? detail.ToString() : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static int Say(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
