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
# Not drafts, of which a page says what they name: what it uploads is its own from then on.
_OWNING_MAPS = ("entries", "jobs")
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
)
CLAIM += tuple(
    f"INSERT OR IGNORE INTO owned (session, sha256, bytes)"
    f" SELECT t.session, f.sha256, f.bytes FROM {table} t, json_each(t.maps) m"
    f" JOIN files f ON f.sha256 = m.value WHERE t.maps IS NOT NULL"
    for table in _OWNING_MAPS
)
CLAIM += ("UPDATE files SET held = 0 WHERE held > 0 AND sha256 IN (SELECT sha256 FROM owned)",)

# entries.parent_position: which result of `parent` is the source; NULL where `parent` is not here.
# entries.run: the group of edits that this one belongs to. search: see `search`.
_TREE = """
ALTER TABLE entries ADD COLUMN parent TEXT;
ALTER TABLE entries ADD COLUMN parent_position INTEGER;
ALTER TABLE entries ADD COLUMN run TEXT;
ALTER TABLE entries ADD COLUMN has_prompt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entries ADD COLUMN has_border INTEGER NOT NULL DEFAULT 0;
UPDATE entries SET
    parent = json_extract(line, '$.parent'),
    has_prompt = trim(json_extract(line, '$.request.sampling.prompt')) <> '',
    has_border = json_extract(line, '$.request.border') <> '[0,0,0,0]';
UPDATE entries SET parent_position = (
    SELECT min(r.position) FROM results r JOIN entries p ON p.seq = r.entry
    WHERE p.id = entries.parent AND p.session = entries.session AND r.sha256 = entries.source)
WHERE parent IS NOT NULL;
CREATE INDEX entries_parent ON entries (parent) WHERE parent IS NOT NULL;
CREATE INDEX entries_model ON entries (session, model);
CREATE INDEX entries_run ON entries (run, seq) WHERE run IS NOT NULL;

ALTER TABLE results ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE results ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE results ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;

CREATE VIRTUAL TABLE search USING fts5 (
    session, prompt, negative, model, label, note, seed, day,
    tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
INSERT INTO search (rowid, session, prompt, negative, model, label, note, seed, day)
    SELECT e.seq * 65536 + 65535 - ifnull(r.position, 0), e.session,
        json_extract(e.line, '$.request.sampling.prompt'),
        json_extract(e.line, '$.request.sampling.negative_prompt'),
        e.model, '', '', ifnull(r.seed, ''), substr(e.created, 1, 10)
    FROM entries e LEFT JOIN results r ON r.entry = e.seq;

CREATE TABLE bins (session TEXT PRIMARY KEY, keep_seconds REAL) WITHOUT ROWID;
"""

# Results that are to be run again, see `jobs.replays`; verdict: JSON once it has ended.
_REPLAYS = """
CREATE TABLE replays (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    entry TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    worker TEXT,
    text TEXT NOT NULL DEFAULT '',
    cancelling INTEGER NOT NULL DEFAULT 0,
    verdict TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL
);
CREATE INDEX replays_state ON replays (state, seq);
"""

# When a page last looked at the replay, in Unix seconds.
_WATCHED = "ALTER TABLE replays ADD COLUMN seen REAL NOT NULL DEFAULT 0"

# maps: a JSON list of the digests of ready control maps, NULL where there is none.
_MAPS = (
    "".join(f"ALTER TABLE {table} ADD COLUMN maps TEXT;\n" for table in ("drafts", *_OWNING_MAPS))
    + "CREATE INDEX entries_maps ON entries (session) WHERE maps IS NOT NULL;\n"
    + "".join(
        f"""
CREATE TRIGGER {table}_maps_owned AFTER INSERT ON {table} WHEN NEW.maps IS NOT NULL BEGIN
    INSERT OR IGNORE INTO owned (session, sha256, bytes)
        SELECT NEW.session, f.sha256, f.bytes FROM files f, json_each(NEW.maps) m
        WHERE f.sha256 = m.value;
    UPDATE files SET held = 0 WHERE held > 0
        AND sha256 IN (SELECT value FROM json_each(NEW.maps));
END;
"""
        for table in _OWNING_MAPS
    )
)

# Control maps that are asked for to be looked at, see `jobs.maps`; `answer`: JSON once it is there.
_LOOKS = """
CREATE TABLE looks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    state TEXT NOT NULL,
    worker TEXT,
    asked TEXT NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL
);
CREATE INDEX looks_state ON looks (state, seq);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _DISK, _TREE, _REPLAYS, _WATCHED, _MAPS, _LOOKS)
