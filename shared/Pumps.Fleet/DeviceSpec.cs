using System.Globalization;
using Pumps.Core.Protocols;
using Pumps.Fleet.Physics;

namespace Pumps.Fleet;

/// <summary>One device of a fleet, before it does anything. Follows from the fleet's seed and the device's index alone.</summary>
/// <param name="Number">DP1 serial number, or DP2 EUI-64 as a number in printing order.</param>
public sealed record DeviceSpec(int Index, string Id, ulong Number, FleetProduct Product, ulong Seed, string Customer, int UtcOffsetMinutes)
{
    // Serial numbers from one thousand million on: 3000 fleets of up to a million devices in 32 bits.
    private const uint SerialBase = 1_000_000_000;
    private const uint FleetSerials = 1_000_000;
    private const ulong FleetsMax = 3000;

    // A locally administered EUI-64: 02, four bytes of the seed, three bytes of the index.
    private const ulong EuiBase = 0x0200_0000_0000_0000;

    public Protocol Protocol => Product.Protocol();

    /// <summary>All devices of a fleet, in the order of their index.</summary>
    public static DeviceSpec[] Of(FleetOptions options)
    {
        var products = Products(options);
        var specs = new DeviceSpec[options.Devices];
        for (var i = 0; i < specs.Length; i++)
        {
            var dp1 = products[i].Protocol() is Protocol.Dp1;
            var number = dp1
                ? SerialBase + ((options.Seed % FleetsMax) * FleetSerials) + (ulong)i
                : EuiBase | ((options.Seed & 0xFFFF_FFFF) << 24) | (uint)i;
            var id = dp1 ? "dp1-" + number.ToString(CultureInfo.InvariantCulture) : "dp2-" + number.ToString("x16", CultureInfo.InvariantCulture);
            var random = RandomSource.For(options.Seed, (ulong)i);
            specs[i] = new(i, id, number, products[i], random.NextBits(), $"{options.CustomerPrefix}-{1 + (i % options.Customers)}", options.UtcOffsetMinutes);
        }

        return specs;
    }

    /// <summary>One of each first, then by weight: the product that is furthest behind its share comes next.</summary>
    private static FleetProduct[] Products(FleetOptions options)
    {
        var weights = options.Mix.Weights;
        var total = (double)weights.Sum();
        var given = new int[weights.Length];
        var products = new FleetProduct[options.Devices];
        for (var i = 0; i < products.Length; i++)
        {
            var best = -1;
            var furthest = double.NegativeInfinity;
            for (var p = 0; p < weights.Length; p++)
            {
                if (weights[p] == 0)
                    continue;

                var behind = given[p] == 0 ? 1e9 - p : (weights[p] / total * (i + 1)) - given[p];
                if (behind > furthest)
                    (best, furthest) = (p, behind);
            }

            given[best]++;
            products[i] = (FleetProduct)best;
        }

        return products;
    }
}
