using System.Reflection;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The functions of the Portal app against the routes of the pipeline that they pass requests to.</summary>
public sealed class PortalFunctionsTests
{
    // Routes of functions stand behind it (host.json says nothing else), and a static web app passes on nothing else.
    private const string Prefix = "/api/";
    private const string Rest = "/{*rest}";

    private static readonly FunctionApp App = FunctionApp.All.Single(a => a.Name == "Portal");

    /// <summary>Method and pattern of every route of the pipeline, as the app in Azure has it.</summary>
    internal static IReadOnlyList<(string Method, string Path)> Routes { get; } = ReadRoutes();

    /// <summary>Method, path without the rest, and name of every function.</summary>
    private static IReadOnlyList<(string Method, string Path, string Function)> Doors { get; } =
    [
        .. from function in App.Functions
           let trigger = function.HttpTrigger!
           let route = (string)trigger.NamedArguments.Single(a => a.MemberName == "Route").TypedValue.Value!
           from method in ((IEnumerable<CustomAttributeTypedArgument>)trigger.ConstructorArguments[1].Value!).Select(m => ((string)m.Value!).ToUpperInvariant())
           select (method, Prefix + route[..route.IndexOf(Rest, StringComparison.Ordinal)], function.Name),
    ];

    [TestCaseSource(nameof(Routes))]
    public void A_route_of_the_pipeline_comes_in_by_exactly_one_function((string Method, string Path) route) =>
        Assert.That(
            Doors.Where(d => d.Method == route.Method && Serves(d.Path, route.Path)).Select(d => d.Function), Has.Exactly(1).Items,
            $"Give {route.Method} {route.Path} a function in functions/Portal/PortalFunctions.cs.");

    [TestCaseSource(nameof(Doors))]
    public void A_function_takes_no_method_that_no_route_has((string Method, string Path, string Function) door) =>
        Assert.That(Routes, Has.Some.Matches<(string Method, string Path)>(r => r.Method == door.Method && Serves(door.Path, r.Path)));

    [Test]
    public void The_site_signs_people_in_and_no_key_of_the_host() =>
        Assert.That(App.Functions.Select(f => f.HttpTrigger!.ConstructorArguments[0].Value), Has.All.EqualTo(0), "AuthorizationLevel.Anonymous");

    [Test]
    public void One_process_of_many_does_not_show_the_region() => Assert.That(Routes.Select(r => r.Path), Has.None.StartsWith("/api/ops"));

    private static bool Serves(string door, string route) => route == door || route.StartsWith(door + "/", StringComparison.Ordinal);

    private static IReadOnlyList<(string, string)> ReadRoutes()
    {
        var services = WiringTests.Services(WiringTests.Sample());
        PortalApi.Build(services);
        return
        [
            .. from endpoint in services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
               from method in endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods
               let path = "/" + endpoint.RoutePattern.RawText!.Trim('/')
               orderby path, method
               select (method, path),
        ];
    }
}
