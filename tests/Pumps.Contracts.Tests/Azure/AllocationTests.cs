using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using Pumps.Azure.Devices;
using Pumps.Contracts.Tests.Gateway;
using Pumps.Devices;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The webhook of the Device Provisioning Service's custom allocation, with the gateway's registry in the place of IoT Hub's.</summary>
public sealed class AllocationTests
{
    private const string Hub = "pumps-weu.azure-devices.net";

    private GatewayHost _host = null!;
    private AllocationFunctions _functions = null!;

    [SetUp]
    public async Task Start()
    {
        _host = await GatewayHost.StartAsync();
        _functions = new(new AllocateDevice(_host.Registry, _host.Gateway), Options.Create(new IotHubOptions { HostName = Hub }));
    }

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_device_that_was_ordered_goes_to_the_regions_hub_with_the_tags_and_desired_properties_of_its_order()
    {
        await _host.Gateway.UpdateDesiredAsync(GatewayHost.Id, """{"report":{"seconds":60}}""", null, default);

        var (status, body) = await PostAsync(Request(GatewayHost.Id));

        Assert.That(status, Is.EqualTo(200));
        Assert.That(JsonNode.DeepEquals(body, JsonNode.Parse(
            """
            {
              "iotHubHostName": "pumps-weu.azure-devices.net",
              "initialTwin": {
                "tags": { "protocol": "dp2", "offering": "irrigation", "product": "irrigation-pump-v2", "customer": "green-valley", "region": "local" },
                "properties": { "desired": { "report": { "seconds": 60 } } }
              }
            }
            """)), body.ToJsonString());
    }

    [Test]
    public async Task The_clock_of_a_DP1_device_is_in_its_tags()
    {
        await _host.Registry.RegisterAsync(new DeviceRegistration("dp1-4711001", "dp1", "irrigation", "irrigation-pump-v1", "green-valley", "local", 120), default);
        var (_, body) = await PostAsync(Request("dp1-4711001"));
        Assert.That((int)body["initialTwin"]!["tags"]!["utcOffset"]!, Is.EqualTo(120));
    }

    [Test]
    public async Task A_name_of_the_hub_in_other_letters_is_the_same_hub() =>
        Assert.That((await PostAsync(Request(GatewayHost.Id, Hub.ToUpperInvariant()))).Status, Is.EqualTo(200));

    [TestCase("device_not_ordered")]
    [TestCase("device_suspended")]
    [TestCase("invalid_device_id")]
    [TestCase("hub_not_linked")]
    public async Task A_refusal_says_why(string rule)
    {
        var (id, linked) = (GatewayHost.Id, Hub);
        switch (rule)
        {
            case "device_not_ordered": id = "dp2-70b3d57ed00000ff"; break;
            case "device_suspended": await _host.Registry.SetEnabledAsync(id, false, default); break;
            case "invalid_device_id": id = "DP2-70B3D57ED0000001"; break;
            case "hub_not_linked": linked = "elsewhere.azure-devices.net"; break;
        }

        var (status, body) = await PostAsync(Request(id, linked));

        Assert.That(status, Is.EqualTo(400));
        Assert.That((string?)body["type"], Is.EqualTo("urn:pumps:" + rule));
        Assert.That((string?)body["detail"], Does.Contain(rule == "hub_not_linked" ? linked : id));
    }

    [TestCase("")]
    [TestCase("no JSON")]
    [TestCase("[]")]
    [TestCase("{}")]
    [TestCase("""{"deviceRuntimeContext":{"registrationId":"dp2-70b3d57ed0000001"}}""")]
    [TestCase("""{"deviceRuntimeContext":{"registrationId":7},"linkedHubs":[]}""")]
    [TestCase("""{"deviceRuntimeContext":"dp2-70b3d57ed0000001","linkedHubs":[]}""")]
    public async Task What_the_service_would_not_send_is_said_to_be_at_fault(string request)
    {
        var (status, body) = await PostAsync(request);
        Assert.That((status, (string?)body["type"]), Is.EqualTo((400, "urn:pumps:invalid_allocation_request")));
    }

    [Test]
    public async Task A_request_without_end_is_not_read_to_its_end() =>
        Assert.That((await PostAsync("{" + new string(' ', 300_000) + "}")).Status, Is.EqualTo(400));

    [Test]
    public async Task No_key_of_the_device_is_in_the_answer()
    {
        var (_, body) = await PostAsync(Request(GatewayHost.Id));
        Assert.That(body.ToJsonString(), Does.Not.Contain(_host.Registered.PrimaryKey).And.Not.Contain(_host.Registered.SecondaryKey));
    }

    [Test]
    public void Only_who_knows_the_functions_key_may_ask()
    {
        var trigger = FunctionApp.All.SelectMany(app => app.Functions).Single(f => f.Name == nameof(AllocationFunctions.Allocate)).Triggers.Single();
        Assert.That((AuthorizationLevel)trigger.ConstructorArguments[0].Value!, Is.EqualTo(AuthorizationLevel.Function));
    }

    /// <summary>As the service sends it, for a device of an enrollment group.</summary>
    private static string Request(string id, string linked = Hub) => JsonSerializer.Serialize(new
    {
        enrollmentGroup = new
        {
            enrollmentGroupId = "pumps",
            attestation = new { type = "symmetricKey" },
            capabilities = new { iotEdge = false },
            provisioningStatus = "enabled",
            allocationPolicy = "custom",
            iotHubs = new[] { linked },
        },
        deviceRuntimeContext = new { registrationId = id, symmetricKey = new { }, payload = new { factory = 7 } },
        linkedHubs = new[] { linked },
    });

    private async Task<(int Status, JsonNode Body)> PostAsync(string request)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(request));
        context.Response.Body = new MemoryStream();
        await _functions.Allocate(context.Request);
        context.Response.Body.Position = 0;
        return (context.Response.StatusCode, (await JsonNode.ParseAsync(context.Response.Body))!);
    }
}
