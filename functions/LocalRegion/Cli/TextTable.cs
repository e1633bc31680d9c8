using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary>A table of texts, as the commands that ask a region print their answers.</summary>
internal static class TextTable
{
    public static void Write(IAnsiConsole console, IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns)
            table.AddColumn(column);
        // What a row is called is copied into the next command: in one piece.
        table.Columns[0].NoWrap();
        foreach (var row in rows)
            // Names come from people and devices: text, never markup.
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        if (table.Rows.Count == 0)
            table.AddRow(new Text("none"));
        console.Write(table);
    }
}
