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

_NAMED_IN = (
    ("results", "sha256"),
    ("entries", "source"),
    ("entries", "mask"),
    ("drafts", "source"),
    ("drafts", "mask"),
    ("jobs", "source"),
    ("jobs", "mask"),
)
# Whatever a session names becomes its own; a new name ends the time for which a file is held.
_OWNING = "".join(
    f"""
CREATE TRIGGER {table}_{column}_owned AFTER INSERT ON {table} WHEN NEW.{column} IS NOT NULL BEGIN
    INSERT OR IGNORE INTO owned (session, sha256, bytes)
        SELECT NEW.session, sha256, bytes FROM files WHERE sha256 = NEW.{column};
    UPDATE files SET held = 0 WHERE sha256 = NEW.{column} AND held > 0;
END;
"""
    for table, column in _NAMED_IN
)
# files: every digest that has files, its bytes in all folders together, when it was put last, and
# until when it stays although nothing names it (both in seconds since 1970).
# owned: the digests of a session, with the same bytes, so that its usage is one sum.
_DISK = f"""
CREATE TABLE files (
    sha256 TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    touched REAL NOT NULL,
    held REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE owned (
    session TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (session, sha256)
) WITHOUT ROWID;
CREATE INDEX owned_sha256 ON owned (sha256);
CREATE TABLE notices (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    sentence TEXT NOT NULL
);
CREATE INDEX notices_session ON notices (session, seq);
CREATE TRIGGER files_sized AFTER UPDATE OF bytes ON files BEGIN
    UPDATE owned SET bytes = NEW.bytes WHERE sha256 = NEW.sha256;
END;
CREATE TRIGGER files_gone AFTER DELETE ON files BEGIN
    DELETE FROM owned WHERE sha256 = OLD.sha256;
END;
{_OWNING}
"""
# Ownership of files that were there before the tables, for `FileTable.scan`.
CLAIM = tuple(
    f"INSERT OR IGNORE INTO owned (session, sha256, bytes)"
    f" SELECT t.session, f.sha256, f.bytes FROM {table} t JOIN files f ON f.sha256 = t.{column}"
    for table, column in _NAMED_IN
) + ("UPDATE files SET held = 0 WHERE held > 0 AND sha256 IN (SELECT sha256 FROM owned)",)

MIGRATIONS: tuple[str, ...] = (_FIRST, _DISK)
