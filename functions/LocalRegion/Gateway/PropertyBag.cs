using System.Text;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Gateway;

/// <summary>The properties of a message as they stand in its topic: <c>a=b&amp;c=d</c>, URL-encoded, system properties as <c>$.x</c>.</summary>
/// <remarks>Source: "Communicate with your IoT hub using the MQTT protocol", sections on sending and receiving messages.</remarks>
internal static class PropertyBag
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads the bag of a device-to-cloud message. Never throws: topics come from devices.</summary>
    public static bool TryParse(ReadOnlySpan<char> bag, out KeyValuePair<string, string>[] properties)
    {
        properties = [];
        if (bag.EndsWith("/")) bag = bag[..^1]; // Microsoft's SDKs end a bag with system properties so.
        if (bag.IsEmpty) return true;
        if (bag.Contains('/')) return false;

        var found = new List<KeyValuePair<string, string>>(bag.Count('&') + 1);
        foreach (var range in bag.Split('&'))
        {
            var pair = bag[range];
            var equals = pair.IndexOf('=');
            if (!TryDecode(equals < 0 ? pair : pair[..equals], out var name) || name.Length == 0) return false;
            if (!TryDecode(equals < 0 ? [] : pair[(equals + 1)..], out var value)) return false;
            name = NameOf(name);
            foreach (var other in found)
                if (other.Key == name)
                    return false;
            found.Add(new(name, value));
        }

        properties = [.. found];
        return true;
    }

    /// <summary>Appends a property to the bag of a cloud-to-device message.</summary>
    public static void Append(StringBuilder bag, string name, string? value)
    {
        if (value is null) return;
        if (bag.Length > 0 && bag[^1] != '/') bag.Append('&');
        bag.Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
    }

    // Names on hubs are those that IoT Hub's Event Hubs endpoint uses.
    private static string NameOf(string name) => name switch
    {
        "$.mid" => PropertyNames.MessageId,
        "$.cid" => "correlation-id",
        "$.uid" => "user-id",
        "$.to" => "to",
        "$.ct" => "content-type",
        "$.ce" => "content-encoding",
        "$.exp" => "absolute-expiry-time",
        "$.ctime" => PropertyNames.CreationTime,
        "$.sub" => "dt-subject",
        "$.ifid" => "iothub-interface-id",
        _ => name,
    };

    private static bool TryDecode(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        var escape = text.IndexOf('%');
        if (escape < 0)
        {
            value = text.ToString();
            return true;
        }

        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var count = 0;
        while (escape >= 0)
        {
            count += Encoding.UTF8.GetBytes(text[..escape], bytes.AsSpan(count));
            if (text.Length < escape + 3 || !char.IsAsciiHexDigit(text[escape + 1]) || !char.IsAsciiHexDigit(text[escape + 2])) return false;
            bytes[count++] = Convert.FromHexString(text.Slice(escape + 1, 2))[0];
            text = text[(escape + 3)..];
            escape = text.IndexOf('%');
        }

        count += Encoding.UTF8.GetBytes(text, bytes.AsSpan(count));
        try
        {
            value = Strict.GetString(bytes, 0, count);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
