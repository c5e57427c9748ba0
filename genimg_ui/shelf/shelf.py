"""The models page's work: a row for each model, and what may be done with it.

Knows nothing of Gradio. Everything that is refused is a GenimgError with its sentence.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genimg_ui.core.memory import gib
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.live import LiveRegistry
from genimg_ui.registry.parts import Part, parts_of
from genimg_ui.shelf.advice import Fit, fit, headline
from genimg_ui.shelf.fetches import Download, Downloads
from genimg_ui.shelf.licences import Licences
from genimg_ui.shelf.machine import Machine, model_memory, this_machine
from genimg_ui.shelf.own_models import OwnModels, find, new_id
from genimg_ui.shelf.reach import Target, name_of, target_of
from genimg_ui.weights.folders import is_hub_id
from genimg_ui.weights.removal import remove_file, remove_repository, stored_bytes, sweep
from genimg_ui.weights.sizes import size_text

PUBLIC = (
    "This page is open to everyone, so models cannot be fetched, added or removed here: whoever "
    "runs it does that on the command line."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One piece of a model on this machine. `lack` is "" where it is whole."""

    part: Part
    lack: str
    fetchable: bool  # whether the hub would mend what it lacks
    place: Path | None
    bytes: int
    download: Download | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """Everything that the page says of a model."""

    spec: ModelSpec
    added: bool  # by a person, not by the program
    default: bool
    accepted: bool
    fit: Fit
    parts: tuple[PartRow, ...]  # none for an engine without weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What the removal of a model or a part takes away."""

    files: str  # hub id whose files go, or a folder; "" where none do
    bytes: int
    entry: bool  # whether it goes from the list, too
    also: tuple[str, ...] = ()  # other models and parts that use the same files
    file: str = ""  # the only file of `files` that goes; "" where all go

    @property
    def sentence(self) -> str:
        size = f"{size_text(self.bytes)} of files" if self.files else ""
        parts = [size, "its entry in the list" if self.entry else ""]
        also = f" (used by {', '.join(self.also)} too)" if self.also else ""
        return " and ".join(part for part in parts if part) + also


class ModelShelf:
    """The models of one installation. With `public`, nothing may be changed here."""

    def __init__(
        self,
        data_dir: Path,
        registry: LiveRegistry,
        *,
        public: bool = False,
        safety: bool = False,
        machine: Callable[[], Machine] = this_machine,
        model_memory_gib: float | None = None,
    ) -> None:
        self.registry = registry
        self.public = public
        self.licences = Licences(data_dir)
        self.downloads = Downloads(data_dir)
        self._data_dir = data_dir.resolve()
        self._safety = safety
        self._machine = machine
        self._model_memory_gib = model_memory_gib
        self._own = OwnModels(registry.own)
        sweep()

    def headline(self) -> str:
        """What this machine can run, what is suggested, and how much of it stays in memory."""
        machine = self._machine()
        kept = gib(model_memory(machine, self._model_memory_gib))
        return (
            f"{headline(self.registry(), machine)} Up to {kept} of models stay in memory between "
            "edits (--model-memory-gib)."
        )

    def rows(self) -> list[ModelRow]:
        """Every model as it stands now."""
        registry, known = self.registry(), self.downloads.all()
        machine = self._machine()
        return [
            ModelRow(
                spec=spec,
                added=spec.id in registry.added,
                default=spec.id == registry.default,
                accepted=self.licences.accepted(spec),
                fit=fit(spec, machine),
                parts=tuple(
                    _part_row(part, known.get((spec.id, part.key)))
                    for part in parts_of(spec, safety=self._safety)
                ),
            )
            for spec in registry.all()
        ]

    def accept(self, model_id: str) -> None:
        """Keep that the model's licence is accepted."""
        self._check_open()
        self.licences.accept(self.registry().get(model_id))

    def fetch(self, model_id: str, part: str = "") -> None:
        """Download a model, or one of its parts, in the background."""
        self._check_open()
        piece = self.wanted(model_id, part)
        self.downloads.start(piece)

    def wanted(self, model_id: str, part: str = "") -> Part:
        """What to fetch; raises RefusedInput where its licence must be accepted first."""
        spec = self.registry().get(model_id)
        self.licences.require(spec)
        return self._part(spec, part)

    def stop(self, model_id: str, part: str = "") -> None:
        """Stop a download."""
        self._check_open()
        self.downloads.stop(model_id, part)

    def add(self, source: str, name: str = "") -> ModelSpec:
        """Recognise a model and put it into the list; raises RefusedInput or ModelUnavailable."""
        self._check_open()
        found = find(source)
        registry = self.registry()
        taken = {spec.id for spec in registry.all()}
        model_id = name.strip().lower() or new_id(found.file or found.source, taken)
        if model_id in taken:
            raise RefusedInput(f"There is a model {model_id} already: choose another name.")
        self._own.add(model_id, found.entry(name.strip() or Path(found.file or found.source).name))
        registry = self.registry()
        if self.registry.problem:
            self._own.remove(model_id)
            raise RefusedInput(self.registry.problem)
        return registry.get(model_id)

    def removal(self, model_id: str, part: str = "") -> Removal:
        """What `remove` would take away; raises RefusedInput where nothing may be removed."""
        registry = self.registry()
        spec = registry.get(model_id)
        own = spec.id in registry.added and not part
        piece = None if not spec.source else self._part(spec, part)
        target = None if piece is None else self._target(piece, entry=own)
        if target is None or piece is None or (own and target.users):
            if not own:
                raise RefusedInput(
                    f"Nothing of {spec.title} can be removed: it comes with the program or is not "
                    "here."
                )
            return Removal(files="", bytes=0, entry=True)
        also = tuple(dict.fromkeys(name_of(user, piece) for user in target.users))
        return Removal(
            files=target.source, file=target.file, bytes=target.bytes, entry=own, also=also
        )

    def remove(self, model_id: str, part: str = "") -> Removal:
        """Remove the files of a model or of one part, and the entry of an added model."""
        self._check_open()
        going = self.removal(model_id, part)
        known = self.downloads.all().get((model_id, part))
        if known is not None and known.state.active:
            raise RefusedInput(f"{model_id} is being downloaded: stop that first.")
        _remove_files(going)
        if going.entry:
            self._own.remove(model_id)
        self.downloads.forget(model_id, part)
        return going

    def close(self) -> None:
        """Stop the downloads; they go on when they are asked for again."""
        self.downloads.close()

    def _target(self, piece: Part, *, entry: bool) -> Target | None:
        """What of the disk goes with this part; with `entry` the model's other parts go, too."""
        staying = [
            part
            for other in self.registry().all()
            for part in parts_of(other)
            if other.id != piece.spec.id or (not entry and part.key != piece.key)
        ]
        target = target_of(piece, staying, self._data_dir)
        own = [user for user in target.users if user.spec.id == piece.spec.id] if target else []
        if target is not None and own and piece.key and not target.file:
            raise RefusedInput(
                f"{piece.key} of {piece.spec.title} cannot be removed alone: {piece.source} also "
                f"holds {name_of(own[0], piece)}. Name its file in models.yaml (`file`)."
            )
        return target

    def _part(self, spec: ModelSpec, key: str) -> Part:
        parts = {part.key: part for part in parts_of(spec, safety=self._safety)}
        for part in parts_of(spec, safety=self._safety):
            if key and key in part.name.split(", "):
                return part  # one of the kinds of a network that serves several
        if key not in parts:
            known = ", ".join(name for name in parts if name) or "none"
            raise UnknownItem(f"A part of {spec.id} must be one of {known}, got {key[:60]!r}.")
        return parts[key]

    def _check_open(self) -> None:
        if self.public:
            raise RefusedInput(PUBLIC)


def _remove_files(going: Removal) -> None:
    if not going.files:
        return
    if is_hub_id(going.files):
        if going.file:
            remove_file(going.files, going.file)
        else:
            remove_repository(going.files)
        return
    place = Path(going.files, going.file) if going.file else Path(going.files)
    try:
        place.unlink() if going.file else shutil.rmtree(place)
    except OSError as error:
        raise StorageError(
            f"{error.filename or place} could not be removed: {error.strerror or error}. What is "
            "left of the model stays in the list; see who may write there, and remove it again."
        ) from error


def _part_row(part: Part, download: Download | None) -> PartRow:
    place, absent = part.place(), part.absent()
    here = absent is None and place is not None
    return PartRow(
        part=part,
        lack="" if absent is None else str(absent),
        fetchable=absent is not None and absent.wanted is not None,
        place=place,
        bytes=stored_bytes(place) if here and place is not None else 0,
        download=download,
    )
