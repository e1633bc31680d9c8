using Pumps.LocalRegion.Hubs;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>Events that wait for each service. The archive is left out: by its nature it is behind by minutes.</summary>
internal readonly record struct Lags(long Decode, long Latest, long History)
{
    public static Lags Of(EmbeddedHubs hubs)
    {
        long decode = 0, latest = 0, history = 0;
        foreach (var lag in hubs.Lags())
            switch (lag.Group)
            {
                case "decode": decode += lag.Events; break;
                case "latest": latest += lag.Events; break;
                case "history": history += lag.Events; break;
                default: break;
            }

        return new(decode, latest, history);
    }

    public bool None => Decode + Latest + History == 0;
}
