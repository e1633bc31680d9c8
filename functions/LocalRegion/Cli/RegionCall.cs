using System.CommandLine;
using System.Text.Json;
using Pumps.Handlers.Portal;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary>What a command asks of a running region: finds the region, asks, shows the answer, and says in words what went wrong.</summary>
/// <param name="patience">How long to wait for an answer; null for the time that somebody waits at a terminal.</param>
internal sealed class RegionCall(TimeSpan? patience = null)
{
    /// <summary>For the upload of a large file.</summary>
    public static readonly TimeSpan Upload = TimeSpan.FromMinutes(10);

    private const string IdempotencyKey = "Idempotency-Key";

    // A larger body may be too large for its route.
    private const int UnaskedBytesMax = 1 << 20;

    // A region that works answers in milliseconds, and one that has much to do in seconds.
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

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
        Description = "Data folder of the region.",
        DefaultValueFactory = _ => new DirectoryInfo(".local"),
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print the region's answer as it is." };

    /// <summary>Lets a command say which region it means, and how the answer is to be shown.</summary>
    public Command On(Command command)
    {
        command.Add(_url);
        command.Add(_data);
        command.Add(_json);
        return command;
    }

    /// <summary>The data folder of the region that is meant.</summary>
    public DirectoryInfo DataFolder(ParseResult parsed) => parsed.GetValue(_data)!;

    /// <summary>Whether nothing but the region's answer is to be printed.</summary>
    public bool IsRaw(ParseResult parsed) => parsed.GetValue(_json);

    /// <summary>Prints an answer as it is when that was asked for, else as <paramref name="show"/> has it.</summary>
    public void Print(ParseResult parsed, IAnsiConsole console, string answer, Action show)
    {
        if (IsRaw(parsed))
            console.Profile.Out.Writer.WriteLine(answer);
        else
            show();
    }

    /// <summary>Sends one request and shows its answer, as a table or as it is.</summary>
    public Task<int> CallAsync(
        ParseResult parsed, IAnsiConsole console, HttpMethod method, string path, HttpContent? body, Action<JsonElement> show, CancellationToken cancel) =>
        RunAsync(console, parsed, async http =>
        {
            var text = await SendAsync(http, method, path, body, cancel);
            Print(parsed, console, text, () => show(text.Length == 0 ? default : Read<JsonElement>(text)));
            return 0;
        }, cancel);

    /// <returns>What <paramref name="ask"/> returns; 1 when no region gave an answer that can be read.</returns>
    public async Task<int> RunAsync(IAnsiConsole console, ParseResult parsed, Func<HttpClient, Task<int>> ask, CancellationToken cancel)
    {
        var url = parsed.GetValue(_url);
        var data = parsed.GetValue(_data)!;
        var file = RunningRegion.FileIn(data);
        try
        {
            url ??= await RunningRegion.FindAsync(data, cancel);
            if (url is null)
                return Say(console, $"No region runs on {data.FullName}: there is no {file.Name}. Start one with \"pumps up\", or name one with --url.");

            using var http = new HttpClient { BaseAddress = url, Timeout = _patience };
            return await ask(http);
        }
        catch (RegionRefusedException refused)
        {
            return Say(console, $"The region at {url} answers {refused.Status}: {refused.Message}{Here(parsed, refused.Rule)}");
        }
        catch (HttpRequestException error)
        {
            return Say(console, $"No region answers at {url}: {error.Message}. Start one with \"pumps up\".");
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Say(console, $"The region at {url} did not answer within {_patience.TotalSeconds:0} seconds.");
        }
        catch (JsonException error)
        {
            return Say(console, $"{(url is null ? file.FullName : url)} does not hold what a region writes: {error.Message}");
        }
    }

    /// <summary>Asks for a text, which is JSON.</summary>
    public static Task<string> GetTextAsync(HttpClient http, string path, CancellationToken cancel) => SendAsync(http, HttpMethod.Get, path, null, cancel);

    /// <summary>Sends a request whose answer is JSON, or nothing.</summary>
    public static async Task<string> SendAsync(
        HttpClient http, HttpMethod method, string path, HttpContent? body, CancellationToken cancel, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        if (idempotencyKey is not null)
            request.Headers.Add(IdempotencyKey, idempotencyKey);
        // What is refused for its size is refused before it is sent: a connection that ends in the middle tells no reason.
        request.Headers.ExpectContinue = body?.Headers.ContentLength > UnaskedBytesMax;
        using var answer = await http.SendAsync(request, cancel);
        return answer.IsSuccessStatusCode
            ? await answer.Content.ReadAsStringAsync(cancel)
            : throw await RefusalAsync(answer, cancel);
    }

    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, JsonSerializerOptions.Web) ?? throw new JsonException("the answer is null");

    private static async Task<RegionRefusedException> RefusalAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        var status = (int)answer.StatusCode;
        if (answer.Content.Headers.ContentType?.MediaType is not "application/problem+json")
            return new(status, "", answer.ReasonPhrase ?? "no reason given");

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(cancel);
        var rule = problem.TryGetProperty("type", out var type) && type.ToString() is var urn ? urn[(urn.LastIndexOf(':') + 1)..] : "";
        // All that is wrong, so that it can be put right at once.
        return problem.TryGetProperty("errors", out var errors) && errors.Deserialize<List<Fault>>(JsonSerializerOptions.Web) is { Count: > 1 } faults
            ? new(status, rule, string.Concat(faults.Select(f => Environment.NewLine + "  " + f.Describe())))
            : new(status, rule, problem.TryGetProperty("detail", out var detail) ? detail.ToString() : problem.ToString());
    }

    /// <summary>How one says here what the API wants to be told.</summary>
    private static string Here(ParseResult parsed, string rule) => rule switch
    {
        "confirmation_required" when Has(parsed, "--confirm") => " Here: --confirm.",
        "overlapping_schedule" when Has(parsed, "--allow-overlap") => " Here: --allow-overlap.",
        _ => "",
    };

    private static bool Has(ParseResult parsed, string option) => parsed.CommandResult.Command.Options.Any(o => o.Name == option);

    private static int Say(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }

    private sealed class RegionRefusedException(int status, string rule, string detail) : Exception(detail)
    {
        public int Status => status;

        public string Rule => rule;
    }
}
