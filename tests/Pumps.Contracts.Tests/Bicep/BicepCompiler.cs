using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pumps.Contracts.Tests.Bicep;

/// <summary>
/// The Bicep CLI, from its NuGet package, as one process that answers JSON-RPC: started once, it compiles, formats and predicts
/// in a fraction of what a process for each file costs. It needs no network.
/// </summary>
internal sealed class BicepCompiler : IDisposable
{
    private readonly Process _process;
    private int _calls;

    public BicepCompiler()
    {
        _process = Process.Start(new ProcessStartInfo(Executable, ["jsonrpc", "--stdio"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static string Executable => Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Bicep").Value!;

    /// <summary>Compiles a .bicep file with all it refers to.</summary>
    public (string Template, IReadOnlyList<string> Diagnostics) Compile(string file)
    {
        var answer = Call("bicep/compile", new() { ["path"] = file });
        return (answer.GetProperty("contents").GetString() ?? "", Diagnostics(answer));
    }

    /// <summary>Compiles a .bicepparam file against the type of its template's parameter.</summary>
    public IReadOnlyList<string> CompileParameters(string file) =>
        Diagnostics(Call("bicep/compileParams", new() { ["path"] = file, ["parameterOverrides"] = new JsonObject() }));

    /// <summary>What a deployment of a .bicepparam file would create, as <c>bicep snapshot</c> writes it.</summary>
    public string Snapshot(string file) => Call("bicep/getSnapshot", new()
    {
        ["path"] = file,
        ["metadata"] = new JsonObject { ["subscriptionId"] = Guid.Empty.ToString(), ["location"] = "westeurope" },
        ["externalInputs"] = null,
    }).GetProperty("snapshot").GetString()!;

    public string Format(string file) => Call("bicep/format", new() { ["path"] = file }).GetProperty("contents").GetString()!;

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static IReadOnlyList<string> Diagnostics(JsonElement answer) =>
        [.. answer.GetProperty("diagnostics").EnumerateArray().Select(d => d.ToString())];

    private JsonElement Call(string method, JsonObject parameters)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = ++_calls, ["method"] = method, ["params"] = new JsonArray(parameters) };
        var body = Encoding.UTF8.GetBytes(request.ToJsonString());
        var input = _process.StandardInput.BaseStream;
        input.Write(Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n"));
        input.Write(body);
        input.Flush();

        var answer = JsonElement.Parse(ReadAnswer());
        return answer.TryGetProperty("error", out var error)
            ? throw new InvalidOperationException($"{method}: {error.GetProperty("message").GetString()}")
            : answer.GetProperty("result");
    }

    private byte[] ReadAnswer()
    {
        var output = _process.StandardOutput.BaseStream;
        var length = 0;
        while (ReadLine(output) is { Length: > 0 } header)
            if (header.Split(':') is ["Content-Length", var value])
                length = int.Parse(value, CultureInfo.InvariantCulture);

        var body = new byte[length];
        output.ReadExactly(body);
        return body;
    }

    private static string ReadLine(Stream stream)
    {
        var line = new StringBuilder();
        for (var c = stream.ReadByte(); c != '\n'; c = stream.ReadByte())
            line.Append(c >= 0 ? (char)c : throw new EndOfStreamException("The Bicep CLI ended in the middle of an answer."));
        return line.ToString().TrimEnd('\r');
    }
}
