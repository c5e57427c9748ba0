"""What `kill.py` looks for in a data folder after a kill."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.kill_scene import SHOWN
from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import Job, JobQueue, JobState

BY_CONTENT = ("sources", "results", "masks")
COPIES = ("thumbs", "previews", "maps")
RECENT = 500  # jobs of one session


def examine(data: Path, session: str, checked: Path, *, whole: bool) -> dict[str, Any]:
    """Open the folder as a fresh start does and hold it to every promise.

    `checked` lists the files of earlier rounds, which are looked at again only where `whole`.
    """
    store = Store.open(data)
    queue = JobQueue(store)
    queue.mark_interrupted()
    jobs = queue.recent(session, RECENT)
    entries, torn = _log(store, session)
    shown = _shown(data, session)
    known = set() if whole else set(json.loads(checked.read_text()))
    names, broken = _files(data, known)
    checked.write_text(json.dumps(sorted(known | names)))
    broken += _database(store)
    broken += _entries(store, session, entries)
    broken += _promised(entries, shown)
    broken += _jobs(entries, jobs)
    store.close()
    states = [str(job.state) for job in jobs]
    counts = {"edits": len(entries), "shown": len(shown), "torn lines": torn} | {
        str(state): states.count(str(state)) for state in JobState
    }
    return {"counts": counts, "broken": broken}


def _log(store: Store, session: str) -> tuple[list[LogEntry], int]:
    """The readable entries of the session's log, and how many lines are none."""
    path = store.seed_log_path(session)
    lines = path.read_bytes().splitlines() if path.exists() else []
    entries, torn = [], 0
    for line in lines:
        try:
            entries.append(read_line(line.decode()))
        except ValueError:
            torn += 1
    return entries, torn


def _shown(data: Path, session: str) -> list[dict[str, Any]]:
    ledger = data.parent / SHOWN / session
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def _files(data: Path, known: set[str]) -> tuple[set[str], list[str]]:
    """Every file under its final name is whole: by its digest, or because it decodes."""
    names: set[str] = set()
    broken: list[str] = []
    for folder in (*BY_CONTENT, *COPIES):
        for path in sorted((data / folder).iterdir()):
            name = f"{folder}/{path.name}"
            if name in known or path.suffix == ".tmp":
                continue
            names.add(name)
            if not _is_whole(path, by_content=folder in BY_CONTENT):
                broken.append(f"{name} is not whole")
    return names, broken


def _is_whole(path: Path, *, by_content: bool) -> bool:
    content = path.read_bytes()
    if by_content and hashlib.sha256(content).hexdigest() != path.stem:
        return False
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def _database(store: Store) -> Iterator[str]:
    with store.database.reading() as connection:
        [said] = connection.execute("PRAGMA integrity_check").fetchone()
    if said != "ok":
        yield f"the database is damaged: {said}"


def _entries(store: Store, session: str, entries: list[LogEntry]) -> Iterator[str]:
    ids = [entry.id for entry in entries]
    if len(set(ids)) != len(ids):
        yield "the log has an entry twice"
    if [entry.id for entry in store.entries(session)] != ids:
        yield "log and index differ"
    shown = {(row.entry_id, row.index) for row in _rows(store, session)}
    for entry in entries:
        for index, record in enumerate(entry.results):
            if not (store.data_dir / "results" / f"{record.sha256}.png").is_file():
                yield f"{entry.id} is without its result {index}"
            if not (store.data_dir / "thumbs" / f"{record.sha256}.jpg").is_file():
                yield f"{entry.id} is without the thumbnail of its result {index}"
            if (entry.id, index) not in shown:
                yield f"result {index} of {entry.id} is not in the gallery"


def _rows(store: Store, session: str) -> Iterator[Any]:
    offset = 0
    while rows := store.results_page(session, offset, 500):
        yield from rows
        offset += len(rows)


def _promised(entries: list[LogEntry], shown: list[dict[str, Any]]) -> Iterator[str]:
    """What was shown is in the log as it was shown."""
    logged = {
        entry.id: (str(entry.state), [record.sha256 for record in entry.results])
        for entry in entries
    }
    for line in shown:
        if logged.get(line["id"]) != (line["state"], line["results"]):
            yield f"{line['id']} was shown as {line['state']} and is {logged.get(line['id'])}"


def _jobs(entries: list[LogEntry], jobs: list[Job]) -> Iterator[str]:
    """No job runs without a worker, and every end is in the log under the same name."""
    states = {entry.id: str(entry.state) for entry in entries}
    for job in jobs:
        if job.state is JobState.RUNNING:
            yield f"{job.id} runs without a worker"
        elif job.state.ended and states.get(job.id) != str(job.state):
            yield f"{job.id} is {job.state}, and {states.get(job.id)} in the log"
    for missing in set(states) - {job.id for job in jobs}:
        yield f"{missing} is in the log and never was a job"
