"""Who is next: the session that was served longest ago, and of its jobs the oldest.

Turns are counted by a clock that ticks by 2 for each job taken. A session that was never served
enters one tick before the one that was served last: ahead of whoever has just had a turn, behind
those who have waited longer, so that a stream of newcomers starves nobody.
"""

import heapq
import sqlite3

_TICK = 2
_CLOCK = "SELECT coalesce(max(served), 0) AS clock FROM turns"
_WAITING = """
SELECT j.seq, j.id, j.session, t.served
FROM jobs j LEFT JOIN turns t ON t.session = j.session
WHERE j.state = 'queued' ORDER BY t.served, j.seq
"""


def enter(connection: sqlite3.Connection, session: str) -> None:
    """Give a session that has none its place in the turns."""
    clock = connection.execute(_CLOCK).fetchone()["clock"]
    connection.execute(
        "INSERT OR IGNORE INTO turns (session, served) VALUES (?, ?)",
        (session, clock - _TICK // 2),
    )


def serve(connection: sqlite3.Connection, session: str) -> None:
    """Note that the session has had its turn."""
    clock = connection.execute(_CLOCK).fetchone()["clock"]
    connection.execute("UPDATE turns SET served = ? WHERE session = ?", (clock + _TICK, session))


def next_job(connection: sqlite3.Connection) -> sqlite3.Row | None:
    """The waiting job whose turn it is."""
    row: sqlite3.Row | None = connection.execute(f"{_WAITING} LIMIT 1").fetchone()
    return row


def waiting_order(connection: sqlite3.Connection) -> list[str]:
    """The ids of all waiting jobs in the order in which they will be taken."""
    clock = connection.execute(_CLOCK).fetchone()["clock"]
    rows = connection.execute(_WAITING).fetchall()
    of_session: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        of_session.setdefault(row["session"], []).append(row)
    turns = [(jobs[0]["served"], jobs[0]["seq"], session) for session, jobs in of_session.items()]
    heapq.heapify(turns)
    order: list[str] = []
    while turns:
        _, _, session = heapq.heappop(turns)
        taken, *rest = of_session[session]
        order.append(taken["id"])
        clock += _TICK
        if rest:
            of_session[session] = rest
            heapq.heappush(turns, (clock, rest[0]["seq"], session))
    return order
