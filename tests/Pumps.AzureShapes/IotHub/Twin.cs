using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Microsoft.Azure.Devices.Shared;

public class TwinCollection
{
    private readonly JObject _json;

    public TwinCollection()
        : this("{}")
    {
    }

    public TwinCollection(string twinJson) => _json = JObject.Parse(twinJson);

    public long Version => (long?)_json["$version"] ?? 0;

    public int Count => _json.Count;

    public bool Contains(string propertyName) => _json.ContainsKey(propertyName);

    public string ToJson(Formatting formatting = 0) => _json.ToString(formatting);
}

public class TwinProperties
{
    public TwinCollection Desired { get; set; } = new();

    public TwinCollection Reported { get; set; } = new();
}

public class Twin
{
    public Twin()
    {
    }

    public Twin(string deviceId) => DeviceId = deviceId;

    public Twin(TwinProperties twinProperties) => Properties = twinProperties;

    public string? DeviceId { get; set; }

    public TwinCollection Tags { get; set; } = new();

    public TwinProperties Properties { get; set; } = new();

    public string? ETag { get; set; }

    public long? Version { get; set; }
}
