"""Which weights took part in an edit: for the log, and for whoever runs the edit again.

Only files that were read are named, by their place in the model's folder; what was not as
models.yaml asks for is a sentence.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genimg_ui.core.provenance import ModelRecord, PartRecord
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.places import Place
from genimg_ui.registry.quantisation import words
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes


def model_record(
    spec: ModelSpec, place: Place, pipe: Any, hashes: WeightHashes, lora: Path | None = None
) -> ModelRecord:
    """Which weights these are: the hub's commit, and the digest of every file that was read.

    `lora` is the file of the LoRA that was fused into them.
    """
    names = [name for name, part in pipe.components.items() if part is not None]
    folder, files = place.main, _component_files(place.main, names, spec)
    if place.config is not None:
        folder, files = place.main.parent, [place.main]
    parts = (*_beside(spec, place, names, hashes), *_helpers(spec, place, hashes))
    if lora is not None:
        scale = f"{spec.lora_scale:g}"
        parts = (*parts, added_record("lora", scale, spec.lora, lora, hashes))
    return ModelRecord(
        id=spec.id,
        engine=spec.engine,
        family=spec.family,
        source=_source(spec.source),
        revision=_revision(spec.source, folder),
        quantisation=words(spec.quantisation),
        files=hashes.records(folder, files),
        parts=parts,
    )


def _beside(
    spec: ModelSpec, place: Place, names: list[str], hashes: WeightHashes
) -> tuple[PartRecord, ...]:
    """The model whose configuration a single file shares, and what weights are of it."""
    if place.config is None or (place.recognised is None and not spec.config):
        return ()
    source = spec.config or (place.recognised.config if place.recognised else "")
    own = place.recognised is None or place.recognised.whole
    others = [name for name in names if name not in ("unet", "transformer")]
    if own:
        others = [] if place.recognised is None else list(place.recognised.absent)
    return (
        PartRecord(
            role="config",
            name="",
            source=_source(source),
            revision=_revision(source, place.config),
            files=hashes.records(place.config, _component_files(place.config, others, spec)),
        ),
    )


def _helpers(spec: ModelSpec, place: Place, hashes: WeightHashes) -> tuple[PartRecord, ...]:
    """The refiner's denoiser, or everything of a prior: what is read of them."""
    records = []
    for role, folder in place.helpers.items():
        source = spec.refiner if role == "refiner" else spec.prior
        names = ["unet"] if role == "refiner" else [p.name for p in folder.iterdir() if p.is_dir()]
        files = hashes.records(folder, _component_files(folder, names, spec))
        records.append(
            PartRecord(
                role=role,
                name="",
                source=_source(source),
                revision=_revision(source, folder),
                files=files,
            )
        )
    return tuple(records)


def _component_files(folder: Path, names: Iterable[str], spec: ModelSpec) -> list[Path]:
    return [path for name in names for path in _read_files(folder / name, spec)]


def added_record(role: str, name: str, source: str, file: Path, hashes: WeightHashes) -> PartRecord:
    """What one file of weights added to the model: a LoRA, an embedding, a reference's adapter."""
    return PartRecord(
        role=role,
        name=name,
        source=_source(source),
        revision=_revision(source, file.parent),
        files=hashes.records(file.parent, [file]),
    )


def control_record(
    spec: ModelSpec, kind: str, hashes: WeightHashes, *, what: str = "ControlNet"
) -> tuple[PartRecord, tuple[str, ...]]:
    """The same of the network of `kind`, which has been loaded, and its fallbacks.

    `what` is how these call it.
    """
    source = dict(spec.controls)[kind]
    folder = folders.local_folder(source)
    part = PartRecord(
        role="controlnet",
        name=kind,
        source=_source(source),
        revision=_revision(source, folder),
        files=() if folder is None else hashes.records(folder, _read_files(folder, spec)),
    )
    title = f"The {what} {_source(source)}"
    return part, () if folder is None else fallbacks(title, spec, folder)


def fallbacks(title: str, spec: ModelSpec, folder: Path) -> tuple[str, ...]:
    """A sentence where the variant of models.yaml is not among the component's files."""
    if spec.variant is None or any(folder.glob(f"*.{spec.variant}*.safetensors")):
        return ()
    return (f"{title} has no weights of the variant {spec.variant} here: its own were read.",)


def _source(source: str) -> str:
    """A folder goes into the log by its own name: its path is this machine's affair."""
    return source if folders.is_hub_id(source) else Path(source).name


def _revision(source: str, folder: Path | None) -> str:
    """The hub's commit, which names the folder in its cache."""
    return folder.name if folder is not None and folders.is_hub_id(source) else ""


def _read_files(folder: Path, spec: ModelSpec) -> list[Path]:
    """The weights of one component that diffusers reads: those of the variant where it has any."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    own = [path for path in files if spec.variant and f".{spec.variant}" in path.name]
    return own or [path for path in files if path.name.count(".") == 1]
