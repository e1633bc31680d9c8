-- Durable at every commit: an identity or a message that was confirmed survives a power cut.
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
