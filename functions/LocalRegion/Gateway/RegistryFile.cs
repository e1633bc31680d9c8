using System.Collections.Frozen;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Pumps.LocalRegion.Gateway;

/// <summary>The SQLite file behind <see cref="DeviceRegistry"/>: one connection, one thread of work, one transaction for all work that waits.</summary>
/// <remarks>Work is durable when its task completes. Ten thousand registrations share a handful of disk flushes.</remarks>
internal sealed class RegistryFile : IAsyncDisposable
{
    // One flush carries at most this much: a long queue must not keep its first caller waiting.
    private const int WorkPerTransaction = 2_000;

    // Callers wait beyond this much work; an unlimited queue would hide a dying disk.
    private const int WorkWaiting = 20_000;

    private static readonly FrozenDictionary<string, string> Sql = LoadSql();

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = [];
    private readonly Channel<Work> _waiting = Channel.CreateBounded<Work>(new BoundedChannelOptions(WorkWaiting) { SingleReader = true });
    private readonly Task _worker;

    public RegistryFile(string file)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        _connection.Open();
        using (var pragmas = _connection.CreateCommand())
        {
            pragmas.CommandText = Sql["pragmas"];
            pragmas.ExecuteNonQuery();
        }

        using (var schema = _connection.CreateCommand())
        {
            schema.CommandText = Sql["schema"];
            schema.ExecuteNonQuery();
        }

        _worker = Task.Run(WorkAsync);
    }

    /// <summary>Runs work within a transaction.</summary>
    /// <param name="committed">
    /// Called once the work is durable, in the order of the commits and before the next work runs: where memory follows the file.
    /// </param>
    public async Task<T> RunAsync<T>(Func<RegistryFile, T> work, Action<T>? committed, CancellationToken cancel)
    {
        var item = new Work<T>(work, committed);
        await _waiting.Writer.WriteAsync(item, cancel);
        return await item.Done;
    }

    /// <summary>Within work: runs the statement of a file in <c>Sql/</c>.</summary>
    public int Execute(string statement, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Command(statement, parameters).ExecuteNonQuery();

    /// <summary>Within work: reads the rows of a statement.</summary>
    public List<T> Query<T>(string statement, Func<SqliteDataReader, T> row, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var reader = Command(statement, parameters).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        if (_waiting.Writer.TryComplete())
        {
            await _worker;
            foreach (var command in _commands.Values)
                await command.DisposeAsync();
            await _connection.DisposeAsync();
        }
    }

    private SqliteCommand Command(string statement, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!_commands.TryGetValue(statement, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = Sql[statement];
            foreach (var (name, _) in parameters)
                command.Parameters.Add(new SqliteParameter { ParameterName = name });
            _commands.Add(statement, command);
        }

        for (var i = 0; i < parameters.Length; i++)
            command.Parameters[i].Value = parameters[i].Value ?? DBNull.Value;
        return command;
    }

    private async Task WorkAsync()
    {
        var batch = new List<Work>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (batch.Count < WorkPerTransaction && _waiting.Reader.TryRead(out var work))
                batch.Add(work);
            Commit(batch);
            batch.Clear(); // Nothing of what was done may stay in memory until there is more to do.
        }
    }

    private void Commit(List<Work> batch)
    {
        try
        {
            using var transaction = _connection.BeginTransaction();
            foreach (var command in _commands.Values)
                command.Transaction = transaction;
            foreach (var work in batch)
                work.Run(this, transaction);
            transaction.Commit();
        }
        catch (SqliteException e)
        {
            // The disk is full or gone: nobody's work is durable, and everybody is told.
            foreach (var work in batch)
                work.Fail(e);
            return;
        }

        foreach (var work in batch)
            work.Complete();
    }

    private static FrozenDictionary<string, string> LoadSql()
    {
        const string prefix = "Gateway.";
        var assembly = typeof(RegistryFile).Assembly;
        return assembly.GetManifestResourceNames().Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).ToFrozenDictionary(
            n => n[prefix.Length..],
            n =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(n)!);
                return reader.ReadToEnd();
            });
    }

    private abstract class Work
    {
        public abstract void Run(RegistryFile file, SqliteTransaction transaction);

        public abstract void Complete();

        public abstract void Fail(Exception error);
    }

    private sealed class Work<T>(Func<RegistryFile, T> run, Action<T>? committed) : Work
    {
        private const string Savepoint = "work";

        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;
        private Exception? _error;

        public Task<T> Done => _done.Task;

        public override void Run(RegistryFile file, SqliteTransaction transaction)
        {
            transaction.Save(Savepoint);
            try
            {
                _result = run(file);
                transaction.Release(Savepoint);
            }
            catch (Exception e) when (e is not SqliteException { SqliteErrorCode: DiskFull or IoError })
            {
                // Only this caller's work is undone; the others in the transaction are not to blame.
                transaction.Rollback(Savepoint);
                _error = e;
            }
        }

        public override void Complete()
        {
            if (_error is not null)
            {
                _done.SetException(_error);
                return;
            }

            committed?.Invoke(_result);
            _done.SetResult(_result);
        }

        public override void Fail(Exception error) => _done.SetException(_error ?? error);
    }

    private const int DiskFull = 13;
    private const int IoError = 10;
}
