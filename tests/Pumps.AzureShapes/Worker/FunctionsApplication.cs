using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pumps.AzureShapes;

namespace Microsoft.Azure.Functions.Worker.Builder;

public class FunctionsApplication
{
    public static FunctionsApplicationBuilder CreateBuilder(string[] args) => throw Shape.Only;
}

public class FunctionsApplicationBuilder
{
    internal FunctionsApplicationBuilder() => throw Shape.Only;

    public ConfigurationManager Configuration => throw Shape.Only;

    public IServiceCollection Services => throw Shape.Only;

    public IHost Build() => throw Shape.Only;
}
