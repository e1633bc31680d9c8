using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;

namespace Pumps.Journeys.Tests;

/// <summary>A schedule in a whole region whose clock the test moves, through the nights in which civil clocks change.</summary>
public sealed class ScheduleJourney
{
    private const string Device = "dp1-4711777";

    [TestCase("2026-03-28T22:00Z", "2026-03-29T01:00:00.000Z 2026-03-29T02:30 skipped?", "2026-03-29T01:30:00.000Z 2026-03-29T03:30")]
    [TestCase("2026-10-24T22:00Z", "2026-10-25T00:30:00.000Z 2026-10-25T02:30 repeated?", "2026-10-25T02:30:00.000Z 2026-10-25T03:30")]
    public async Task A_night_in_which_the_clocks_change_loses_no_run_and_doubles_none(string evening, string first, string second)
    {
        var start = DateTimeOffset.Parse(evening, CultureInfo.InvariantCulture);
        var time = new FakeTimeProvider(start);
        await using var region = await HostedRegion.StartAsync(time: time);
        await region.RegisterAsync(Device, "irrigation-pump-v1", 60);
        await SendAsync(region, HttpMethod.Put, "api/sites/north-field", new { customer = "green-valley", name = "North field", timeZone = "Europe/Berlin" });
        await SendAsync(region, HttpMethod.Patch, $"api/devices/{Device}", new { site = "north-field" });
        var plan = new
        {
            name = "Night watering",
            times = new[] { "02:30", "03:30" },
            weekdays = new[] { "sun" },
            run = new { command = "start" },
            minutes = 20,
            // The test's clock may run ahead of a busy machine.
            makeUpWithinMinutes = 60,
            then = new { command = "stop" },
        };
        var id = (await SendAsync(region, HttpMethod.Post, "api/schedules", new { site = "north-field", plan })).GetProperty("id").GetString();

        var planned = (await region.GetAsync($"api/schedules/{id}/next?count=2")).EnumerateArray()
            .Select(r => $"{r.GetProperty("at").GetString()} {r.GetProperty("time").GetString()}{(r.GetProperty("clockChange").GetString() is var c and not "none" ? $" {c}?" : "")}");
        Assert.That(planned, Is.EqualTo(new[] { first, second }));

        // Each question is asked a little later; well after the night, nothing more may have come.
        var runs = await Patience.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(2));
                return region.GetAsync($"api/schedules/{id}/runs");
            },
            _ => time.GetUtcNow() > start.AddHours(8), "the night to be over", TimeSpan.FromMinutes(3));
        Assert.That(
            runs.GetProperty("items").EnumerateArray().Select(r => $"{r.GetProperty("plannedAt").GetString()} {r.GetProperty("submitted").GetInt32()}"),
            Is.EqualTo(new[] { $"{second.Split(' ')[0]} 1", $"{first.Split(' ')[0]} 1" }));

        var commands = (await region.GetAsync($"api/devices/{Device}/commands")).GetProperty("items").EnumerateArray()
            .Select(c => c.GetProperty("command").GetString()).Reverse().ToList();
        Assert.That(commands.Where(c => c == "start").Count(), Is.EqualTo(2));
        Assert.That(commands.Take(2), Is.EqualTo(new[] { "start", "stop" }));
    }

    private static async Task<JsonElement> SendAsync(HostedRegion region, HttpMethod method, string path, object body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
        using var answer = await region.Http.SendAsync(request);
        var content = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.IsSuccessStatusCode, $"{method} {path} was answered {answer.StatusCode}: {content}");
        return content;
    }
}
