using System.Globalization;
using System.Text;
using CsCheck;
using Pumps.Core.Feeds;

namespace Pumps.Core.Tests.Feeds;

public sealed class Utf8OutputTests
{
    [TestCase(2430, -2, "24.30")]
    [TestCase(-21, -2, "-0.21")]
    [TestCase(0, -3, "0.000")]
    [TestCase(5, 3, "5000")]
    [TestCase(0, 3, "0")]
    [TestCase(-1, 0, "-1")]
    [TestCase(long.MinValue, -12, "-9223372.036854775808")]
    [TestCase(long.MaxValue, 12, "9223372036854775807000000000000")]
    public void A_decimal_keeps_the_digits_of_the_protocol(long mantissa, int exponent, string expected) =>
        Assert.That(Written(o => o.AppendDecimal(mantissa, exponent)), Is.EqualTo(expected));

    [Test]
    public void A_decimal_is_the_number_it_stands_for() =>
        Gen.Select(Gen.Long[-1_000_000_000_000_000, 1_000_000_000_000_000], Gen.Int[-12, 0]).Sample((mantissa, exponent) =>
            decimal.Parse(Written(o => o.AppendDecimal(mantissa, exponent)), CultureInfo.InvariantCulture)
                == mantissa / (decimal)Math.Pow(10, -exponent));

    [Test]
    public void A_time_reads_like_the_framework_writes_it() =>
        Gen.Long[-62_135_596_800_000, 253_402_300_799_999].Sample(ms =>
            Written(o => o.AppendTime(ms))
                == DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    [Test]
    public void Text_from_a_device_is_escaped() =>
        Assert.That(Written(o => o.AppendString("a\"b\\c</script>\n\u0001ü"u8)), Is.EqualTo("\"a\\u0022b\\\\c\\u003C/script\\u003E\\n\\u0001\\u00FC\""));

    [Test]
    public void It_grows_without_losing_anything()
    {
        var output = new Utf8Output();
        for (var i = 0; i < 100_000; i++)
            output.Append((byte)('a' + i % 26));

        Assert.That(output.Length, Is.EqualTo(100_000));
        Assert.That(output.Written[99_999], Is.EqualTo('a' + 99_999 % 26));
    }

    private static string Written(Action<Utf8Output> write)
    {
        var output = new Utf8Output();
        write(output);
        return Encoding.UTF8.GetString(output.Written);
    }
}
