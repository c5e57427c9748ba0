"""The pieces of a model that lie in places of their own: its weights, its LoRA, its ControlNets."""

from dataclasses import dataclass
from pathlib import Path

from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, Wanted

MODEL, LORA, CONTROL = "model", "lora", "controlnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece. `name` tells pieces of one role apart: the kind of a control."""

    role: str  # MODEL, LORA or CONTROL
    name: str
    source: str  # hub id, folder or file
    wanted: Wanted | None  # what to fetch; None for what lies on a disk

    @property
    def key(self) -> str:
        """How the part is named on the page and on the command line; "" is the model itself."""
        return "" if self.role == MODEL else self.name or self.role

    def place(self) -> Path | None:
        """Where it lies on this machine, whole or not; None where it does not."""
        revision = None if self.wanted is None else self.wanted.revision
        path = Path(self.source).expanduser()
        if self.wanted is None and path.is_file():
            return path
        return folders.local_folder(self.source, revision)

    def lack(self) -> str | None:
        """What is missing of it, in words that follow "it"; None where it is whole."""
        place = self.place()
        if place is None:
            return "is not on this machine"
        if place.is_file():
            return None
        if self.role == MODEL and (self.wanted is None or self.wanted.kind is Kind.PIPELINE):
            return folders.missing_part(place, self._variant(), safety=self._safety())
        if self.role == CONTROL:
            return folders.missing_weights(place, "", self._variant())
        names = self.wanted.files if self.wanted is not None else ()
        found = all((place / name).is_file() for name in names) if names else any(place.iterdir())
        return None if found else f"lacks {', '.join(names) or 'its weights'}"

    def _variant(self) -> str | None:
        return None if self.wanted is None else self.wanted.variant

    def _safety(self) -> bool:
        return self.wanted is not None and self.wanted.safety


def parts_of(spec: ModelSpec, *, safety: bool = False) -> tuple[Part, ...]:
    """Every piece of the model, its own weights first; none for an engine without weights."""
    if not spec.source:
        return ()
    parts = [_part(MODEL, "", spec.source, _model_wanted(spec, safety=safety))]
    if spec.lora:
        wanted = Wanted(hub_id=spec.lora, kind=Kind.FILES)
        parts.append(_part(LORA, "", spec.lora, wanted))
    by_source: dict[str, list[str]] = {}
    for kind, source in spec.controls:
        by_source.setdefault(source, []).append(kind)
    for source, kinds in by_source.items():
        wanted = Wanted(hub_id=source, kind=Kind.COMPONENT, variant=spec.variant)
        parts.append(_part(CONTROL, ", ".join(kinds), source, wanted))
    return tuple(parts)


def _part(role: str, name: str, source: str, wanted: Wanted) -> Part:
    on_hub = folders.is_hub_id(source)
    return Part(role=role, name=name, source=source, wanted=wanted if on_hub else None)


def _model_wanted(spec: ModelSpec, *, safety: bool) -> Wanted:
    return Wanted(
        hub_id=spec.source,
        kind=Kind.FILES if spec.file else Kind.PIPELINE,
        revision=spec.revision,
        variant=spec.variant,
        safety=safety,
        files=(spec.file,) if spec.file else (),
    )
