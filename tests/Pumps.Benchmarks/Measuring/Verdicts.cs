using System.Globalization;
using Spectre.Console;

namespace Pumps.Benchmarks.Measuring;

/// <summary>What was promised and what was measured, each with a word: met or missed.</summary>
internal sealed class Verdicts(IAnsiConsole console)
{
    private readonly Table _table = new Table().Border(TableBorder.Simple)
        .AddColumn("target").AddColumn("asked").AddColumn("measured").AddColumn("verdict");

    // Into a file or a pipe the console would wrap at 80.
    private const int WidthMin = 140;

    private bool _missed;

    public void Add(string target, string asked, FormattableString measured, bool met)
    {
        _missed |= !met;
        _table.AddRow(
            Markup.Escape(target), Markup.Escape(asked), Markup.Escape(measured.ToString(CultureInfo.InvariantCulture)), met ? "[green]met[/]" : "[red]missed[/]");
    }

    /// <summary>A figure that nothing was promised for; it stands there to be compared with.</summary>
    public void Show(string what, FormattableString measured) =>
        _table.AddRow(Markup.Escape(what), "", Markup.Escape(measured.ToString(CultureInfo.InvariantCulture)), "");

    /// <returns>The exit code: 1 when a target was missed.</returns>
    public int Print()
    {
        console.Profile.Width = Math.Max(console.Profile.Width, WidthMin);
        console.Write(_table);
        return _missed ? 1 : 0;
    }
}
