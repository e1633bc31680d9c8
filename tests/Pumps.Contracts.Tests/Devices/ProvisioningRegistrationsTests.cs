using System.Net;
using Azure;

namespace Pumps.Contracts.Tests.Devices;

public sealed class ProvisioningRegistrationsTests
{
    private const string Id = "dp2-70b3d57ed0000001";

    private FakeProvisioningService _service = null!;

    [SetUp]
    public void Start() => _service = new();

    [TearDown]
    public void Stop() => _service.Dispose();

    [Test]
    public async Task A_registration_is_removed_once_and_removing_it_again_says_that_there_is_none()
    {
        await _service.RegisterAsync(Id);

        Assert.That(await _service.Registrations().RemoveAsync(Id, default), Is.True);
        Assert.That(await _service.Registrations().RemoveAsync(Id, default), Is.False);
        Assert.That(_service.Requests.Select(r => r.Headers.IfMatch.Count), Is.All.Zero, "whatever its version");
    }

    [TestCase(HttpStatusCode.OK)]
    [TestCase(HttpStatusCode.Unauthorized)]
    [TestCase(HttpStatusCode.Forbidden)]
    [TestCase(HttpStatusCode.PreconditionFailed)]
    [TestCase(HttpStatusCode.TooManyRequests)]
    [TestCase(HttpStatusCode.InternalServerError)]
    public void Any_other_answer_is_an_exception_at_once_and_the_order_tries_again(HttpStatusCode status)
    {
        _service.Answer = _ =>
        {
            var answer = new HttpResponseMessage(status);
            answer.Headers.RetryAfter = new(TimeSpan.FromHours(1));
            return Task.FromResult(answer);
        };

        Assert.That(
            async () => await _service.Registrations().RemoveAsync(Id, default),
            Throws.TypeOf<RequestFailedException>().With.Property(nameof(RequestFailedException.Status)).EqualTo((int)status));
        Assert.That(_service.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_service_that_cannot_be_reached_is_an_exception()
    {
        _service.Answer = _ => throw new HttpRequestException("no such host");
        Assert.That(async () => await _service.Registrations().RemoveAsync(Id, default), Throws.InstanceOf<Exception>().And.Not.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void Who_waits_for_an_answer_can_stop()
    {
        using var stop = new CancellationTokenSource();
        _service.Answer = async cancel =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancel);
            throw new InvalidOperationException();
        };

        Assert.That(async () => await _service.Registrations().RemoveAsync(Id, stop.Token), Throws.InstanceOf<OperationCanceledException>());
    }
}
