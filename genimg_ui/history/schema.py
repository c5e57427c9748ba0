"""The tables of genimg.db, as the migrations that lead to them.

Migration n brings `PRAGMA user_version` from n - 1 to n; a released one is never changed, a new
one is added. `results.removed`: 0 live, 1 in the bin (can be had back), 2 its file is gone.
"""

_FIRST = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    created TEXT NOT NULL,
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    label TEXT NOT NULL,
    source TEXT NOT NULL,
    mask TEXT,
    line TEXT NOT NULL
);
CREATE INDEX entries_session ON entries (session, seq);
CREATE INDEX entries_source ON entries (source);
CREATE INDEX entries_mask ON entries (mask);

CREATE TABLE results (
    entry INTEGER NOT NULL REFERENCES entries (seq) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    session TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    pixels_sha256 TEXT NOT NULL,
    seed INTEGER NOT NULL,
    starred INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    removed_at REAL,
    PRIMARY KEY (entry, position)
) WITHOUT ROWID;
CREATE INDEX results_live ON results (session, entry DESC, position) WHERE removed = 0;
CREATE INDEX results_starred ON results (session, entry DESC, position)
    WHERE removed = 0 AND starred = 1;
CREATE INDEX results_bin ON results (session, removed_at) WHERE removed = 1;
CREATE INDEX results_sha256 ON results (sha256);
CREATE INDEX results_pixels ON results (pixels_sha256);

CREATE TABLE logs (session TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE drafts (
    session TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    source TEXT,
    mask TEXT,
    data TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    inputs TEXT NOT NULL,
    source TEXT NOT NULL,
    mask TEXT,
    parent TEXT,
    fraction REAL NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '',
    preview_rev INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    entry TEXT,
    cancelling REAL,
    worker TEXT,
    heartbeat REAL,
    created REAL NOT NULL,
    started REAL,
    ended REAL
);
CREATE INDEX jobs_state ON jobs (state, session, seq);
CREATE INDEX jobs_session ON jobs (session, seq);

CREATE TABLE turns (session TEXT PRIMARY KEY, served INTEGER NOT NULL) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
