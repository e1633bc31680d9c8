using System.CommandLine;
using Pumps.Core.Protocols;
using Pumps.Handlers.Firmware;
using Pumps.LocalRegion.Cli;

var root = new RootCommand("One region of the platform on one machine.")
{
    DecodeCommand.Create(Keys),
    VectorsCommand.Create(Keys),
};
return root.Parse(args).Invoke();

static IFirmwareSignatures Keys(IReadOnlyDictionary<string, string> hex) =>
    new Ed25519Signatures(hex.ToDictionary(key => key.Key, key => Convert.FromHexString(key.Value)));
