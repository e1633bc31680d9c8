using System.Globalization;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;

namespace Pumps.Postgres;

/// <summary>Images of firmware, with their bytes in the database: they are few, and a backup has all that a rollout needs.</summary>
public sealed class FirmwareImages(NpgsqlDataSource database) : IFirmwareImages
{
    public async Task<(StoredImage Image, bool IsNew)> AddAsync(StoredImage image, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var head = image.Head;
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var add = new NpgsqlCommand(Sql.AddImage, session)
        {
            Parameters =
            {
                new("id", image.Id), new("product", image.Product), new("protocol", head.Protocol.Name()), new("version", head.Version),
                new("hardware_min", (int)head.HardwareMin), new("hardware_max", (int)head.HardwareMax), new("size", head.SizeBytes), new("sha256", head.Sha256),
                new("signature", head.Signature), new("key_id", head.KeyId), new("chunk_bytes", head.ChunkBytes), new("image_crc", (int)head.ImageCrc),
                new("manifest", head.Manifest), new("content", NpgsqlDbType.Bytea) { Value = content }, new("now", image.ImportedAt.UtcDateTime),
            },
        };
        var isNew = await add.ExecuteNonQueryAsync(cancel) > 0;
        return (await FindAsync(session, image.Id, cancel)
            ?? throw new InvalidOperationException($"Firmware image \"{image.Id}\" was removed at the moment at which it was imported again. Import it once more."), isNew);
    }

    public async Task<StoredImage?> FindAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await FindAsync(session, id, cancel);
    }

    public async Task<byte[]> ReadAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.QuerySingleOrDefaultAsync<byte[]>(new CommandDefinition(Sql.ReadImage, new { id }, cancellationToken: cancel))
            ?? throw new InvalidOperationException($"There is no firmware image \"{id}\".");
    }

    public async Task<Page<StoredImage>> ListAsync(string? product, string? cursor, int limit, CancellationToken cancel)
    {
        var before = RolloutStore.ReadCursor(cursor);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(
            new CommandDefinition(Sql.ListImages, new { product, before, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToImage())],
            rows.Count > limit ? rows[limit - 1].Image_No.ToString(CultureInfo.InvariantCulture) : null);
    }

    public async Task<ImageRemoval> RemoveAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        if (await session.QuerySingleOrDefaultAsync<string>(new CommandDefinition(Sql.LockImage, new { id }, transaction, cancellationToken: cancel)) is null)
            return ImageRemoval.Absent;
        var removed = await session.ExecuteAsync(new CommandDefinition(Sql.RemoveImage, new { id }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return removed > 0 ? ImageRemoval.Removed : ImageRemoval.InUse;
    }

    private static async Task<StoredImage?> FindAsync(NpgsqlConnection session, string id, CancellationToken cancel) =>
        (await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.FindImage, new { id }, cancellationToken: cancel)))?.ToImage();

    /// <summary>A row of firmware_image without its bytes, with the names of its columns.</summary>
    private sealed class Row
    {
        public string Image_Id { get; init; } = "";
        public long Image_No { get; init; }
        public string Product { get; init; } = "";
        public string Protocol { get; init; } = "";
        public string Version { get; init; } = "";
        public int Hardware_Min { get; init; }
        public int Hardware_Max { get; init; }
        public int Size_Bytes { get; init; }
        public byte[] Sha256 { get; init; } = [];
        public byte[] Signature { get; init; } = [];
        public byte[] Key_Id { get; init; } = [];
        public int Chunk_Bytes { get; init; }
        public int Image_Crc { get; init; }
        public byte[] Manifest { get; init; } = [];
        public DateTime Imported_At { get; init; }

        public StoredImage ToImage() => new(Image_Id, Product, new(
            Protocol == "dp1" ? Core.Protocols.Protocol.Dp1 : Core.Protocols.Protocol.Dp2, Version, (ushort)Hardware_Min, (ushort)Hardware_Max, Size_Bytes, Sha256,
            Signature, Key_Id, Chunk_Bytes, (ushort)Image_Crc, Manifest), Imported_At);
    }
}
