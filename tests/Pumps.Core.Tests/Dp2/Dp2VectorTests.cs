using System.Text.Json;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

public sealed class Dp2VectorTests
{
    /// <summary>Zlib's choices are its own: the compressed payload decodes to the same fields, from other bytes.</summary>
    private static readonly string[] NotByteIdentical = ["v2-pub-ok-011"];

    [TestCaseSource(typeof(Dp2Samples), nameof(Dp2Samples.Valid))]
    public void A_valid_vector_gives_its_decoded_form(Dp2Sample sample)
    {
        var actual = Dp2Samples.Json(sample.Bytes, sample.Context);
        var expected = sample.Expect.GetProperty("message");

        Assert.That(JsonElement.DeepEquals(actual, expected), $"expected\n{expected}\nbut was\n{actual}");
    }

    [TestCaseSource(typeof(Dp2Samples), nameof(Dp2Samples.Malformed))]
    public void A_malformed_vector_gives_its_error(Dp2Sample sample)
    {
        var error = Dp2Samples.Decode(sample.Bytes, out _, sample.Context);

        Assert.That(error.Code(), Is.EqualTo(sample.Expect.GetProperty("code").GetString()));
    }

    [TestCaseSource(typeof(Dp2Samples), nameof(Dp2Samples.Valid))]
    public void A_valid_vector_encodes_to_the_same_bytes_again(Dp2Sample sample)
    {
        var again = Dp2Encoder.Encode(Dp2Samples.Good(sample.Bytes, sample.Context));

        if (NotByteIdentical.Contains(sample.Id))
            Assert.That(JsonElement.DeepEquals(Dp2Samples.Json(again, sample.Context), Dp2Samples.Json(sample.Bytes, sample.Context)));
        else
            Assert.That(Convert.ToHexStringLower(again), Is.EqualTo(Convert.ToHexStringLower(sample.Bytes)));
    }
}
