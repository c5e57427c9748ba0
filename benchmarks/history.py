"""How long the history takes over many edits: list, search, open, tree, marks.

    .venv/bin/python -m benchmarks.history --entries 10000

Prints a table of the median and the slowest of 30 calls in milliseconds. Entries are those of a
person who goes on from results: words from a small vocabulary, every tenth one failed, every
third one made from an earlier result. No pictures are needed: the index is all that is read.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import EditInputs, EditRequest, SamplingParams
from genimg_ui.history.marks import MarkChange
from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState, LogEntry, PlanRecord, ResultRecord, ResultReport
from genimg_ui.history.search import Query
from genimg_ui.history.store import Store

WORDS = ("red", "blue", "old", "wooden", "door", "boat", "sea", "evening", "light", "stone", "cat")
CALLS = 30
REPORT = ResultReport(
    changed_outside=0,
    pixels_outside=9,
    changed_inside=1,
    pixels_inside=1,
    seam=1.0,
    colour_shift=0.5,
)


def make_entries(count: int) -> Iterator[LogEntry]:
    """Entries of one session, oldest first; always the same ones."""
    chance = random.Random(1)
    made: list[LogEntry] = []
    for number in range(count):
        parent = chance.choice(made[-50:]) if made and number % 3 == 0 else None
        failed = number % 10 == 9
        digests = (
            [] if failed else [f"{chance.getrandbits(256):064x}" for _ in range(1 + number % 2)]
        )
        entry = LogEntry(
            id=f"{number:016x}",
            created=f"2026-{1 + number * 11 // count:02d}-{1 + number % 28:02d}T10:00:00.000+00:00",
            state=EntryState.FAILED if failed else EntryState.DONE,
            request=EditRequest(
                model=chance.choice(["exemplar", "square", "small"]),
                sampling=SamplingParams(prompt=" ".join(chance.choices(WORDS, k=12))),
                border=Sides(left=16) if number % 7 == 0 else Sides(),
            ),
            inputs=EditInputs(source=parent.results[0].sha256 if parent else "5" * 64, mask=None),
            parent=parent.id if parent else None,
            plan=PlanRecord(canvas=Size(640, 480), box=Box(0, 0, 9, 9), working=Size(512, 512)),
            results=tuple(
                ResultRecord(sha256=name, pixels_sha256=name[::-1], seed=number, report=REPORT)
                for name in digests
            ),
            facts={f"fact {i}": "x" * 60 for i in range(50)},  # a line of 5 kB, as engines make it
            error="It failed." if failed else "",
        )
        if not failed:
            made.append(entry)
        yield entry


def questions(store: Store, session: str, count: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    find = store.gallery.find
    leaf = store.results_page(session, 0, 1)[0]
    deep = count // 2
    change = iter(range(10**9))

    def mark() -> None:
        rating = 1 + next(change) % 5
        store.journal.mark(session, [(leaf.entry_id, leaf.index)], MarkChange(rating=rating))

    searches = {
        "one word": Query(text="door"),
        "two words": Query(text="red door"),
        "phrase, excluded word": Query(text='"red door" -cat'),
        "first letters": Query(text="wo"),
        "nothing to find": Query(text="aeroplane"),
        "model, rating, dates": Query(model="square", rating=3, since="2026-03", until="2026-08"),
        "failed": Query(state="failed"),
        "words and filters": Query(text="sea", model="small", border=True),
    }
    asked: dict[str, Callable[[], object]] = {
        "list, first page": lambda: (store.results_page(session, 0, 24), store.count(session)),
        "list, in the middle": lambda: find(session, Query(), deep, 24),
    }
    for name, query in searches.items():
        asked[f"search: {name}"] = lambda query=query: find(session, query, 0, 24)
    return asked | {
        "tree, 500 nodes": lambda: store.gallery.tree(session),
        "tree, in the middle": lambda: store.gallery.tree(session, before=deep),
        "open": lambda: (
            store.entry_of(session, leaf.entry_id),
            store.marks(session, leaf.entry_id, leaf.index),
            store.lineage.place(session, leaf.entry_id),
        ),
        "children": lambda: store.lineage.made_from_result(session, (leaf.entry_id, 0)),
        "rate (written and synced)": mark,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000)
    count = parser.parse_args().entries
    session = session_id("a" * 32)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "data")
        entries = list(make_entries(count))
        store._entries.insert(session, entries, log_size=0)
        other = (replace(entry, id=f"b{entry.id}", parent=None) for entry in entries)
        store._entries.insert(session_id("b" * 32), list(other), log_size=0)
        print(f"{count} entries, {store.count(session)} results; as many of another session\n")
        print("| | median ms | slowest ms |\n|---|---|---|")
        for name, ask in questions(store, session, count).items():
            taken = []
            for _ in range(CALLS):
                begun = time.perf_counter()
                ask()
                taken.append(1000 * (time.perf_counter() - begun))
            print(f"| {name} | {statistics.median(taken):.1f} | {max(taken):.1f} |")
        store.close()


if __name__ == "__main__":
    main()
