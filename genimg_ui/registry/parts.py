"""The pieces of a model that lie in places of their own: weights, LoRAs, ControlNets and more.

Each says what it lacks on this machine, and what of the hub would mend that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.adapters import AddedFile
from genimg_ui.registry.places import Absent, locate
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch
from genimg_ui.weights.single_file import find_file

CONFIG = "config.json"
MODEL, REFINER, PRIOR, LORA = "model", "refiner", "prior", "lora"
CONTROL, EMBEDDING, REFERENCE = "control", "embedding", "reference"
ENCODER = "image encoder"  # of references


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece. `name` tells pieces of one role apart: a control's kind, a LoRA's name.

    MODEL stands for everything that must be there before the model runs at all.
    """

    spec: ModelSpec
    role: str
    source: str  # hub id, folder or file
    name: str = ""
    file: str = ""  # its file in `source`, where it is one file
    safety: bool = False  # with the safety checker

    @property
    def key(self) -> str:
        """How the page and the command line name it; "" is the model itself."""
        if self.role == MODEL:
            return ""
        if self.role == CONTROL:
            return self.name
        return f"{self.role}:{self.name}" if self.name else self.role

    @property
    def on_hub(self) -> bool:
        return folders.is_hub_id(self.source)

    def place(self) -> Path | None:
        """Where it lies on this machine, whole or not; None where it does not."""
        path = Path(self.source).expanduser()
        if not self.on_hub and path.is_file():
            return path
        revision = self.spec.revision if self.role == MODEL else None
        return folders.local_folder(self.source, revision)

    def absent(self) -> Absent | None:
        """What is missing of it, and what to fetch for that; None where it is whole."""
        if self.role == MODEL:
            return _absent_model(self.spec, safety=self.safety)
        if self.role == CONTROL:
            place = self.place()
            variant = self.spec.variant
            lack = (
                folders.missing_weights(place, "", variant) if place else "is not on this machine"
            )
            wanted = Wanted(hub_id=self.source, kind=Kind.COMPONENT, variant=variant)
        elif self.role in (REFINER, PRIOR):
            lack = None if self.place() else "is not on this machine"
            wanted = Wanted(hub_id=self.source, variant=self.spec.variant)
        else:
            names: tuple[str, ...] = (self.file,) if self.file else ()
            if self.role == ENCODER:
                names = (str(PurePosixPath(self.file).with_name(CONFIG)), self.file)
            found = [find_file(self.source, name) for name in names or ("",)]
            lack = next((lack for path, lack in found if path is None), None)
            wanted = Wanted(hub_id=self.source, kind=Kind.FILES, files=names)
        return None if lack is None else Absent(f"it {lack}", wanted if self.on_hub else None)


def parts_of(spec: ModelSpec, *, safety: bool = False) -> tuple[Part, ...]:
    """Every piece of the model, its own weights first; none for an engine without weights."""
    return tuple(_parts(spec, safety=safety)) if spec.source else ()


def bring(part: Part, watch: OnFetching) -> None:
    """Fetch whatever the part lacks. Raises ModelUnavailable or Cancelled."""
    fetched: list[Wanted] = []
    while (absent := part.absent()) is not None:
        wanted = absent.wanted
        if wanted is None or wanted in fetched:
            raise ModelUnavailable(f"{part.source} cannot be used: {absent}.") from absent
        fetch(wanted, watch)
        fetched.append(wanted)


def _parts(spec: ModelSpec, *, safety: bool) -> Iterator[Part]:
    yield Part(spec=spec, role=MODEL, source=spec.source, file=spec.file, safety=safety)
    for role, source in ((REFINER, spec.refiner), (PRIOR, spec.prior), (LORA, spec.lora)):
        if source:
            yield Part(spec=spec, role=role, source=source)
    by_source: dict[str, list[str]] = {}
    for kind, source in spec.controls:
        by_source.setdefault(source, []).append(kind)
    for source, kinds in by_source.items():
        yield Part(spec=spec, role=CONTROL, source=source, name=", ".join(kinds))
    added: list[tuple[str, str, AddedFile]] = [
        *((LORA, lora.name, lora) for lora in spec.loras),
        *((EMBEDDING, embedding.token, embedding) for embedding in spec.embeddings),
        *((REFERENCE, reference.kind, reference) for reference in spec.references),
    ]
    for role, name, one in added:
        yield Part(spec=spec, role=role, source=one.source, name=name, file=one.file)
    encoders: dict[AddedFile, list[str]] = {}
    for reference in spec.references:
        encoders.setdefault(reference.encoder_files[1], []).append(reference.kind)
    for one, kinds in encoders.items():
        name = ", ".join(kinds)
        yield Part(spec=spec, role=ENCODER, source=one.source, name=name, file=one.file)


def _absent_model(spec: ModelSpec, *, safety: bool) -> Absent | None:
    try:
        locate(spec, safety=safety)
    except Absent as absent:
        return absent
    except ModelUnavailable as problem:
        return Absent(str(problem).removesuffix("."))
    return None
