using System.Buffers;
using System.CommandLine;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps decode</c>: prints one frame of either protocol as a person wants to read it, bytes beside their meaning.</summary>
public static class DecodeCommand
{
    private const byte Dp2Magic = 0xD7;

    /// <param name="keys">Makes the check of firmware signatures from trusted keys, key id to public key as hex.</param>
    public static Command Create(Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys)
    {
        var hex = new Argument<string[]>("hex")
        {
            Description = "The frame in hex; blanks, line breaks and 0x are allowed. \"-\" reads it from standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var down = new Option<bool>("--down") { Description = "The frame travels from the cloud to the device." };
        var utcOffset = new Option<int>("--utc-offset") { Description = "Minutes that the device's civil time is ahead of UTC (DP1)." };
        var receivedAt = new Option<long?>("--received-at") { Description = "The receiver's clock, ms since 1970 UTC. Without it the device's clock is not judged." };
        var key = new Option<string[]>("--key") { Description = "A trusted firmware key, <key id>=<public key> in hex (DP2). May be repeated." };
        var json = new Option<bool>("--json") { Description = "Print the decoded form as JSON, and nothing else." };
        var dictionaries = DictionaryFolder.CreateOption();
        var command = new Command("decode", "Decode one frame of a device, DP1 or DP2. Exit code 1 if it is not a valid frame.")
        {
            hex, down, utcOffset, receivedAt, key, json, dictionaries,
        };
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var errors = parsed.InvocationConfiguration.Error;
            string[] words = parsed.GetValue(hex)!;
            if (!TryReadHex(words is ["-"] ? Console.In.ReadToEnd() : string.Concat(words), errors, out var bytes)
                || !TryReadKeys(parsed.GetValue(key) ?? [], errors, out var trusted)
                || !DictionaryFolder.TryRead(parsed.GetValue(dictionaries), errors, out var set))
                return 1;

            var context = new DecodeContext(
                parsed.GetValue(down) ? Direction.Down : Direction.Up, parsed.GetValue(receivedAt), parsed.GetValue(utcOffset), null, set, keys(trusted));
            return Run(bytes, context, parsed.GetValue(json), output, errors);
        });
        return command;
    }

    private static int Run(byte[] bytes, in DecodeContext context, bool asJson, TextWriter output, TextWriter errors)
    {
        var protocol = bytes is [Dp2Magic, ..] ? Protocol.Dp2 : Protocol.Dp1;
        var error = new FrameCodec().TryDecode(protocol, bytes, context, out var frame);
        var printer = new FramePrinter(output);
        if (error is DecodeError.None)
        {
            if (asJson)
            {
                output.WriteLine(FrameCodec.ToJson(frame));
                return 0;
            }

            var notes = frame is Dp1Telegram telegram ? Dp1Notes.Of(bytes, telegram) : Dp2Notes.Of(bytes, (Dp2Frame)frame, context.Dictionaries);
            printer.Print(bytes, notes, frame);
            return 0;
        }

        var offset = frame is Dp1Telegram refused ? refused.ErrorOffset : ((Dp2Frame)frame).ErrorOffset;
        if (asJson)
            errors.WriteLine($"{error.Code()} at offset {offset}: {error.Meaning()}");
        else
            printer.PrintError(bytes, error, offset, context.Direction);
        return 1;
    }

    private static bool TryReadHex(string text, TextWriter errors, out byte[] bytes)
    {
        var digits = string.Concat(text.Where(c => !char.IsWhiteSpace(c) && c is not (':' or '-' or ','))).Replace("0x", "", StringComparison.OrdinalIgnoreCase);
        bytes = new byte[digits.Length / 2];
        var wrong = digits.AsSpan().IndexOfAnyExcept(SearchValues.Create("0123456789abcdefABCDEF"));
        if (wrong >= 0)
            errors.WriteLine($"'{digits[wrong]}' is not a hex digit (digit {wrong + 1} of {digits.Length}). Give the frame as hex, such as B5 24 10 11.");
        else if (digits.Length % 2 != 0)
            errors.WriteLine($"{digits.Length} hex digits do not make whole bytes: one digit is missing or too many.");
        else
            return Convert.FromHexString(digits, bytes, out _, out _) is OperationStatus.Done;

        return false;
    }

    private static bool TryReadKeys(string[] keys, TextWriter errors, out Dictionary<string, string> trusted)
    {
        trusted = [];
        foreach (var key in keys)
        {
            if (key.Split('=') is not [{ Length: 16 } id, { Length: 64 } publicKey] || !IsHex(id) || !IsHex(publicKey))
            {
                errors.WriteLine($"--key {key}: a key is 16 hex digits (its id), =, 64 hex digits (the public key).");
                return false;
            }

            trusted[id] = publicKey;
        }

        return true;
    }

    private static bool IsHex(string text) => text.All(char.IsAsciiHexDigit);
}
