using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Vectors;

namespace Pumps.Core.Tests;

/// <summary>The public vectors and sessions of both protocols, as the makers of devices run them.</summary>
public sealed class VectorsTests
{
    [TestCase("v1-valid.json", 28)]
    [TestCase("v1-malformed.json", 17)]
    public void Every_public_vector_decodes_as_expected(string file, int count)
    {
        var report = Run(file, File.ReadAllBytes(Path.Combine(TestFiles.Vectors, file)));

        Assert.That(Describe(report), Is.Empty);
        Assert.That(report.Passed, Is.EqualTo(count));
    }

    private static VectorReport Run(string file, byte[] json) => new VectorRunner(DictionarySet.Empty, _ => new NoKeys()).Run(file, json);

    private static string Describe(VectorReport report) =>
        string.Join('\n', report.Failures.Select(f => $"{f}: {string.Join("; ", f.Differences)}"));

    private sealed class NoKeys : IFirmwareSignatures
    {
        public bool Trusts(ReadOnlySpan<byte> keyId) => false;

        public bool Verify(ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => false;
    }
}
