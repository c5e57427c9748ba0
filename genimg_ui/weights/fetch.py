"""Fetches a hub model into the hub's own cache, where every library looks for it.

A snapshot is linked together only when all of its files are here and compared with the hub's
digests, its index last. So a download that was stopped or killed is never taken for a model.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # lazily there

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.folders import INDEX, cached_snapshot, repository
from genimg_ui.weights.hub import HubFile, Listing, list_files
from genimg_ui.weights.selection import CONFIGS, component_files, pipeline_files
from genimg_ui.weights.sizes import size_text
from genimg_ui.weights.transfer import Check, fetch_file, waiting_bytes

SPARE_BYTES = 2**28  # left free on the disk, for what else the program writes
_LOG = logging.getLogger(__name__)
LOCK_SECONDS = 0.2  # between two tries to begin where another process fetches the same model


class Kind(StrEnum):
    """What a hub repository holds."""

    PIPELINE = "pipeline"  # model_index.json and a folder for each component
    COMPONENT = "component"  # one component at the top: a ControlNet
    FILES = "files"  # files that are named, or its only safetensors
    CONFIGS = "configs"  # a pipeline's configurations and tokenizers without any weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to fetch. `files` are the names for Kind.FILES; () is its only safetensors.

    Of the components in `elsewhere`, whose weights lie in another place, only configs come.
    """

    hub_id: str
    kind: Kind = Kind.PIPELINE
    revision: str | None = None
    variant: str | None = None
    safety: bool = False  # with the safety checker
    pickles: bool = False  # also weights that are no safetensors, where there are no others
    files: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How far a fetch is. Bytes; `text` is for the person who waits."""

    done: int
    total: int
    text: str

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 while the size is not known."""
        return self.done / self.total if self.total else 0.0

    @property
    def sentence(self) -> str:
        """How far it is, for a line of progress."""
        if not self.total:
            return self.text
        sizes = f"{size_text(self.done)} of {size_text(self.total)}"
        return f"downloading {self.text}: {sizes}"


class OnFetching:
    """Is told how far a fetch is, and stops it by raising Cancelled in `check`."""

    def tell(self, state: Fetching) -> None:
        """Called for each few hundred kilobytes."""

    def check(self) -> None:
        """Called at least as often."""


def fetch(wanted: Wanted, watch: OnFetching) -> Path:
    """Bring a model's files here; its snapshot. Raises ModelUnavailable or Cancelled."""
    root = repository(wanted.hub_id)
    try:
        with _alone(wanted.hub_id, watch):
            return _fetch(wanted, root, watch)
    except OSError as error:
        raise ModelUnavailable(
            f"{wanted.hub_id} could not be kept in {constants.HF_HUB_CACHE}: "
            f"{error.strerror or error}."
        ) from error


def plan(wanted: Wanted, listing: Listing, index_text: str | None) -> tuple[HubFile, ...]:
    """The files to fetch. `index_text` is the content of model_index.json, for a pipeline."""
    names = [file.name for file in listing.files]
    try:
        if wanted.kind is Kind.PIPELINE:
            index = json.loads(index_text or "")
            chosen = pipeline_files(
                names, index, wanted.variant, safety=wanted.safety, pickles=wanted.pickles
            )
            chosen = tuple(name for name in chosen if not _lies_elsewhere(name, wanted.elsewhere))
        elif wanted.kind is Kind.COMPONENT:
            chosen = component_files(names, "", wanted.variant)
        elif wanted.kind is Kind.CONFIGS:
            chosen = tuple(name for name in names if name.endswith(CONFIGS))
        else:
            chosen = _named(wanted, names)
    except ModelUnavailable as problem:
        raise ModelUnavailable(f"{wanted.hub_id} cannot be used: {problem}") from problem
    except (ValueError, AttributeError) as error:
        raise ModelUnavailable(
            f"{wanted.hub_id} has an {INDEX} that cannot be read: {error}"
        ) from error
    by_name = {file.name: file for file in listing.files}
    return tuple(by_name[name] for name in dict.fromkeys(chosen))


def _lies_elsewhere(name: str, components: frozenset[str]) -> bool:
    """Whether a file holds, or lists, weights of one of these components."""
    part, _, base = name.rpartition("/")
    return part in components and (".index." in base or not base.endswith(CONFIGS))


def index_of(wanted: Wanted, listing: Listing, watch: OnFetching) -> str | None:
    """The content of model_index.json, fetched like any file; None where none is needed."""
    if wanted.kind is not Kind.PIPELINE:
        return None
    index = listing.get(INDEX)
    if index is None:
        raise ModelUnavailable(
            f"{wanted.hub_id} is no model in the layout of diffusers: it has no {INDEX}."
        )
    blobs = _folder(repository(wanted.hub_id) / "blobs")
    path = fetch_file(
        wanted.hub_id, listing.commit, index, blobs, on_bytes=lambda _: None, check=watch.check
    )
    return path.read_text(encoding="utf-8")


def _fetch(wanted: Wanted, root: Path, watch: OnFetching) -> Path:
    watch.tell(Fetching(done=0, total=0, text="asking the hub"))
    listing, files = _chosen(wanted, watch)
    blobs = _folder(root / "blobs")
    _check_room(wanted.hub_id, sum(waiting_bytes(file, blobs) for file in files), blobs)
    before, total = 0, sum(file.bytes for file in files)
    state = Fetching(done=0, total=total, text="")
    for file in files:
        here = replace(state, done=before, text=file.name)

        def on_bytes(done: int, here: Fetching = here) -> None:
            watch.tell(replace(here, done=here.done + done))

        fetch_file(wanted.hub_id, listing.commit, file, blobs, on_bytes=on_bytes, check=watch.check)
        before += file.bytes
    return _link(wanted, listing, files, root)


def _link(wanted: Wanted, listing: Listing, files: tuple[HubFile, ...], root: Path) -> Path:
    """Make the snapshot of whole files; its index last, and the revision's name after that."""
    snapshot = _folder(root / "snapshots" / listing.commit)
    for file in sorted(files, key=lambda file: (file.name == INDEX, file.name)):
        place = snapshot / file.name
        blob = root / "blobs" / file.digest
        if place.is_file() and place.resolve() == blob.resolve():
            continue
        _folder(place.parent)
        fresh = place.with_name(f"{place.name}.{os.getpid()}.tmp")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(blob, place.parent))
        os.replace(fresh, place)
    revision = wanted.revision or constants.DEFAULT_REVISION
    if revision != listing.commit:
        ref = root / "refs" / revision
        _folder(ref.parent)
        fresh = ref.with_name(f"{ref.name}.{os.getpid()}.tmp")
        fresh.write_text(listing.commit)
        os.replace(fresh, ref)
    return snapshot


def _chosen(wanted: Wanted, watch: OnFetching) -> tuple[Listing, tuple[HubFile, ...]]:
    """Which files to fetch, and of which commit.

    What is here already decides the commit, so that one part never brings others of another day.
    Where the hub has that commit no more, or it lacks what is wanted, everything that is here goes
    on to the new commit together: no file is hidden, and none is of another commit than the rest.
    """
    here = cached_snapshot(wanted.hub_id, wanted.revision)
    if here is not None:
        try:
            listing = list_files(wanted.hub_id, here.name)
            return listing, plan(wanted, listing, index_of(wanted, listing, watch))
        except ModelUnavailable as problem:
            _LOG.info("%s goes on to another commit than %s: %s", wanted.hub_id, here.name, problem)
    listing = list_files(wanted.hub_id, wanted.revision)
    files = plan(wanted, listing, index_of(wanted, listing, watch))
    known = () if here is None else [file for file in listing.files if (here / file.name).is_file()]
    return listing, tuple(dict.fromkeys((*files, *known)))


def _named(wanted: Wanted, names: list[str]) -> tuple[str, ...]:
    absent = [name for name in wanted.files if name not in names]
    if absent:
        raise ModelUnavailable(f"it has no file {', '.join(absent)}.")
    if wanted.files:
        return wanted.files
    own = [name for name in names if name.endswith(".safetensors")]
    if len(own) != 1:
        known = ", ".join(own[:5]) or "none"
        raise ModelUnavailable(f"it must hold one .safetensors file, got {known}.")
    return (own[0],)


def _check_room(hub_id: str, needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free - SPARE_BYTES
    if needed > free:
        raise ModelUnavailable(
            f"{hub_id} needs {needed / 1e9:.2f} GB more on the disk of {constants.HF_HUB_CACHE}, "
            f"only {max(0, free) / 1e9:.2f} GB can be used there: free some space, or name another "
            "folder in the variable HF_HUB_CACHE."
        )


@contextmanager
def _alone(hub_id: str, watch: OnFetching) -> Iterator[None]:
    """Wait until no other process fetches or removes this model."""
    with alone(hub_id, wait=lambda: _wait(watch)):
        yield


def _wait(watch: OnFetching) -> None:
    watch.tell(Fetching(done=0, total=0, text="waiting: another download of it is running"))
    watch.check()


@contextmanager
def alone(hub_id: str, wait: Check) -> Iterator[None]:
    """Hold the lock of a model's repository; `wait` is called while another holds it."""
    with locked_name(repository(hub_id).name, wait):
        yield


@contextmanager
def locked_name(name: str, wait: Check) -> Iterator[None]:
    """Hold the lock `name` of the hub's cache; `wait` is called while another holds it."""
    locks = _folder(Path(constants.HF_HUB_CACHE) / ".locks" / name)
    while True:
        lock = WeakFileLock(locks / "genimg.lock", timeout=LOCK_SECONDS)
        try:
            lock.__enter__()
        except TimeoutError:
            wait()
            continue
        break
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
