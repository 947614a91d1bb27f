"""The store in SQLite: durable, with group commit. The only place with SQL."""
