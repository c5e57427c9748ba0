"""How an entry says that its edit was run: what a second run must ask for beside its request."""

from collections.abc import Sequence

from genimg_ui.core.provenance import Again, ExecutionRecord
from genimg_ui.history.record import LogEntry

EMBEDDING = "embedding"  # role of a part


def again_of(entry: LogEntry, seeds: Sequence[int]) -> Again:
    """What the run of these seeds of the entry had; what the entry does not tell is left open."""
    return Again(
        executions=executions_of(entry, seeds),
        embeddings=_embeddings(entry),
        threads=0 if entry.runtime is None else entry.runtime.threads,
        determinism={} if entry.runtime is None else entry.runtime.determinism,
    )


def executions_of(entry: LogEntry, seeds: Sequence[int]) -> tuple[ExecutionRecord, ...]:
    """The looks of the model that made these seeds; () where the entry does not tell them.

    One look makes all seeds of an edit, unless it took passes: then each seed has its own.
    """
    found = entry.executions
    if entry.resolved is None or not entry.passes:
        return found
    each, made = len(entry.passes), entry.resolved.seeds
    if len(found) != each * len(made) or not set(seeds) <= set(made):
        return ()
    places = (made.index(seed) * each for seed in seeds)
    return tuple(look for place in places for look in found[place : place + each])


def tells_all(entry: LogEntry) -> bool:
    """Whether what the entry does not name was not there: the first schema told little."""
    return "python" in entry.environment


def _embeddings(entry: LogEntry) -> tuple[str, ...] | None:
    if entry.model is None or not tells_all(entry):
        return None
    return tuple(part.name for part in entry.model.parts if part.role == EMBEDDING)
