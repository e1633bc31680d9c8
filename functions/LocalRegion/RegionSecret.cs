using System.Security.Cryptography;

namespace Pumps.LocalRegion;

/// <summary>A secret of the region in a file for its owner alone. It is made once and never shown.</summary>
internal static class RegionSecret
{
    private const int Bytes = 32;

    /// <returns>Base64.</returns>
    public static string ReadOrCreate(string file)
    {
        if (!File.Exists(file))
        {
            // Under another name first: a crash in the middle must not leave half a secret.
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var unfinished = file + ".new";
            using (var stream = new FileStream(unfinished, options))
            {
                stream.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes))));
                stream.Flush(flushToDisk: true);
            }

            File.Move(unfinished, file);
        }

        return File.ReadAllText(file);
    }
}
