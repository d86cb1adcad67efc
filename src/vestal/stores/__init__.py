"""Where credentials live: sealed, in memory or in SQLite."""
