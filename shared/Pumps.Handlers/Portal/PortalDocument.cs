using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Pumps.Handlers.Portal;

/// <summary>What the OpenAPI document says beyond the routes themselves.</summary>
internal static class PortalDocument
{
    public static void Configure(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;

        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new()
            {
                Title = "Pumps API",
                Version = "v1",
                Description = "Devices of one region, their newest values and history, dead letters, and the state of the region. " +
                              "Everything that is not a success is problem details (RFC 9457) with a stable type `urn:pumps:<rule>`.",
            };
            // The address depends on who asks; a reader of the document knows it already.
            document.Servers = [];
            return Task.CompletedTask;
        });

        options.AddOperationTransformer((operation, context, _) =>
        {
            foreach (var parameter in context.Description.ActionDescriptor.EndpointMetadata.OfType<QueryParameter>())
                (operation.Parameters ??= []).Add(Describe(parameter));
            return Task.CompletedTask;
        });

        options.AddSchemaTransformer(async (schema, context, cancel) =>
        {
            // Instants have a converter of their own, which the generator cannot look into.
            if (context.JsonTypeInfo.Type == typeof(DateTimeOffset))
                schema.Type = JsonSchemaType.String;
            else if (context.JsonTypeInfo.Type == typeof(DateTimeOffset?))
                schema.Type = JsonSchemaType.String | JsonSchemaType.Null;
            else if (context.JsonTypeInfo.Type == typeof(ProblemDetails))
            {
                var errors = await context.GetOrCreateSchemaAsync(typeof(Fault[]), null, cancel);
                errors.Description = "With 400: everything that is wrong with the request.";
                (schema.Properties ??= new Dictionary<string, IOpenApiSchema>())["errors"] = errors;
            }

            if (context.JsonTypeInfo.Type == typeof(JsonText) || context.JsonTypeInfo.Type == typeof(JsonText?))
            {
                schema.Type = JsonSchemaType.Number | JsonSchemaType.String | JsonSchemaType.Boolean | JsonSchemaType.Null;
                schema.Description = "A number with the digits that the protocol gives, a text, or a boolean.";
                schema.Properties?.Clear();
                schema.Required?.Clear();
            }
        });
    }

    private static OpenApiParameter Describe(QueryParameter parameter) => new()
    {
        Name = parameter.Name,
        In = ParameterLocation.Query,
        Description = parameter.Description,
        Required = parameter.Required,
        Schema = parameter.Maximum is null
            ? new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Default = parameter.Default is null ? null : JsonValue.Create(parameter.Default),
                Enum = parameter.Values is { } values ? [.. values.Select(v => (JsonNode)JsonValue.Create(v)!)] : null,
            }
            : new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Format = "int32",
                Default = parameter.Default is null ? null : JsonValue.Create(int.Parse(parameter.Default, CultureInfo.InvariantCulture)),
                Minimum = parameter.Minimum?.ToString(CultureInfo.InvariantCulture),
                Maximum = parameter.Maximum?.ToString(CultureInfo.InvariantCulture),
            },
    };
}
