"""How long each session wants its bin to keep what it deleted. Times are seconds."""

import sqlite3

from genimg_ui.errors import RefusedInput
from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session

DAY = 86_400.0
USUAL = 7 * DAY  # for a session that did not say
CHOICES = (None, DAY, USUAL, 30 * DAY)  # None: until it is emptied by hand


def bin_keeps(database: Database, session: str) -> float | None:
    """Seconds that the session's bin keeps a result; None: until it is emptied by hand."""
    with database.reading() as connection:
        query = "SELECT keep_seconds FROM bins WHERE session = ?"
        row = connection.execute(query, (check_session(session),)).fetchone()
    return USUAL if row is None else row["keep_seconds"]


def choose(connection: sqlite3.Connection, session: str, seconds: float | None) -> None:
    """Keep one of CHOICES; raises RefusedInput for another time."""
    if seconds not in CHOICES:
        allowed = ", ".join("never" if c is None else f"{c:.0f}" for c in CHOICES)
        raise RefusedInput(f"The trash is emptied after {allowed} seconds, got {seconds!r}.")
    connection.execute(
        "INSERT OR REPLACE INTO bins (session, keep_seconds) VALUES (?, ?)",
        (check_session(session), seconds),
    )
