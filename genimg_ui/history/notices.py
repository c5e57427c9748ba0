"""Sentences that wait for a session until its page reads them, once."""

import sqlite3

from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session

MOST_NOTICES = 20  # kept for one session: a page that is never opened again reads none


def give_notice(connection: sqlite3.Connection, session: str, sentence: str) -> None:
    """Keep the sentence for the session; the oldest ones beyond the limit go."""
    connection.execute("INSERT INTO notices (session, sentence) VALUES (?, ?)", (session, sentence))
    connection.execute(
        "DELETE FROM notices WHERE session = ? AND seq <= (SELECT seq FROM notices"
        " WHERE session = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (session, session, MOST_NOTICES),
    )


def take_notices(database: Database, session: str) -> list[str]:
    """The session's sentences, oldest first; they are gone afterwards."""
    check_session(session)
    with database.reading() as connection:  # most calls find none and need no lock
        query = "SELECT 1 FROM notices WHERE session = ? LIMIT 1"
        if connection.execute(query, (session,)).fetchone() is None:
            return []
    with database.writing() as connection:
        rows = connection.execute(
            "DELETE FROM notices WHERE session = ? RETURNING seq, sentence", (session,)
        ).fetchall()
    return [row["sentence"] for row in sorted(rows, key=lambda row: int(row["seq"]))]
