"""The tables of a checkpoint."""

APPLICATION_ID = 0x56455350  # VESP
SCHEMA = 1
STATEMENTS = (
    """CREATE TABLE parts (
        id INTEGER PRIMARY KEY,
        repository TEXT NOT NULL UNIQUE COLLATE NOCASE,
        options TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        changed_at REAL NOT NULL,
        run INTEGER NOT NULL DEFAULT 1,
        listing_cursor TEXT,
        listing_done INTEGER NOT NULL DEFAULT 0,
        newest REAL,
        high_water REAL,
        filled INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE pulls (
        part INTEGER NOT NULL REFERENCES parts (id),
        number INTEGER NOT NULL,
        listed_at REAL NOT NULL,
        position INTEGER NOT NULL,
        wanted INTEGER NOT NULL,
        run INTEGER NOT NULL DEFAULT 0,
        updated_at REAL,
        stored_at REAL,
        look_again_until REAL,
        seq INTEGER,
        record TEXT,
        PRIMARY KEY (part, number)
    )""",
    "CREATE INDEX pulls_wanted ON pulls (part, position) WHERE wanted",
    "CREATE INDEX pulls_stored ON pulls (part, updated_at, number) WHERE record IS NOT NULL",
    "CREATE UNIQUE INDEX pulls_seq ON pulls (seq) WHERE seq IS NOT NULL",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
"""`pulls.wanted`: to be fetched (again). `seq` counts the storing of records, over all parts. `notes` are the outputs'."""
