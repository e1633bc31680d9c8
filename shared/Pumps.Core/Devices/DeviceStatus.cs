namespace Pumps.Core.Devices;

/// <summary>Where a device is in its life.</summary>
public enum DeviceStatus
{
    /// <summary>Ordered; it has not said hello yet.</summary>
    Ordered,
    Active,

    /// <summary>Its owner may not use it for now.</summary>
    Suspended,

    /// <summary>For good. What it has sent stays as long as the offering keeps history.</summary>
    Retired,
}

/// <summary>The names under which statuses are stored and shown.</summary>
public static class DeviceStatuses
{
    public static readonly IReadOnlyList<string> Names = ["ordered", "active", "suspended", "retired"];

    public static string Name(this DeviceStatus status) => Names[(int)status];

    public static DeviceStatus? Parse(string name)
    {
        for (var i = 0; i < Names.Count; i++)
            if (Names[i] == name)
                return (DeviceStatus)i;
        return null;
    }
}
