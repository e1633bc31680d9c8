namespace Pumps.LocalRegion;

/// <summary>Work on a timer of the process.</summary>
internal static class Recurring
{
    /// <summary>Runs the work now and after every interval, until it is cancelled.</summary>
    /// <param name="work">What it is, for the log.</param>
    public static async Task RunAsync(string work, TimeSpan interval, Func<Task> run, TimeProvider time, ILogger log, CancellationToken cancel)
    {
        var fails = false;
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                await run();
                if (fails)
                    log.UpkeepWorks(work);
                fails = false;
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                // The timer is the host: the work is safe to repeat, and the next turn brings it again.
                if (!fails)
                    log.UpkeepFails(work, interval, error);
                fails = true;
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }
}
