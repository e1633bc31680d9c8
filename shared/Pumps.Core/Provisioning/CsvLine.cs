using System.Text;

namespace Pumps.Core.Provisioning;

/// <summary>One line of a CSV file (RFC 4180): comma-separated, quotes where a field has commas or quotes. Fields do not span lines.</summary>
public static class CsvLine
{
    /// <returns>The fields, without blanks around them; null when a quote is not closed or stands where none may.</returns>
    public static List<string>? Split(string line)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        var at = 0;
        while (true)
        {
            field.Clear();
            while (at < line.Length && line[at] is ' ' or '\t')
                at++;

            if (at < line.Length && line[at] == '"')
            {
                if (!TryReadQuoted(line, ref at, field))
                    return null;
                fields.Add(field.ToString());
            }
            else
            {
                var end = line.IndexOf(',', at);
                var text = end < 0 ? line[at..] : line[at..end];
                if (text.Contains('"'))
                    return null;
                fields.Add(text.TrimEnd());
                at = end < 0 ? line.Length : end;
            }

            if (at >= line.Length)
                return fields;
            at++;   // the comma
        }
    }

    private static bool TryReadQuoted(string line, ref int at, StringBuilder field)
    {
        for (at++; at < line.Length; at++)
        {
            if (line[at] != '"')
                field.Append(line[at]);
            else if (at + 1 < line.Length && line[at + 1] == '"')
                field.Append(line[at++]);
            else
            {
                at++;
                while (at < line.Length && line[at] is ' ' or '\t')
                    at++;
                return at >= line.Length || line[at] == ',';
            }
        }

        return false;
    }
}
