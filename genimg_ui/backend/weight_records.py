"""Which weights took part in an edit: for the log, and for whoever runs the edit again.

Only files that were read are named, by their place in the model's folder; what was not as
models.yaml asks for is a sentence.
"""

from pathlib import Path
from typing import Any

from genimg_ui.core.provenance import ModelRecord, PartRecord
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes


def model_record(
    spec: ModelSpec, folder: Path, pipe: Any, hashes: WeightHashes, lora: Path | None = None
) -> ModelRecord:
    """Which weights these are: the hub's commit, and the digest of every file that was read.

    `lora` is the file of the LoRA that was fused into them.
    """
    parts = [folder / name for name, part in pipe.components.items() if part is not None]
    files = [path for part in parts for path in _read_files(part, spec)]
    return ModelRecord(
        id=spec.id,
        engine=spec.engine,
        family=spec.family,
        source=_source(spec.source),
        revision=_revision(spec.source, folder),
        files=hashes.records(folder, files),
        parts=() if lora is None else (_lora_record(spec, lora, hashes),),
    )


def _lora_record(spec: ModelSpec, file: Path, hashes: WeightHashes) -> PartRecord:
    return PartRecord(
        role="lora",
        name=f"{spec.lora_scale:g}",
        source=_source(spec.lora),
        revision=_revision(spec.lora, file.parent),
        files=hashes.records(file.parent, [file]),
    )


def control_record(
    spec: ModelSpec, kind: str, hashes: WeightHashes
) -> tuple[PartRecord, tuple[str, ...]]:
    """The same of the ControlNet of `kind`, which has been loaded, and its fallbacks."""
    source = dict(spec.controls)[kind]
    folder = folders.local_folder(source)
    part = PartRecord(
        role="controlnet",
        name=kind,
        source=_source(source),
        revision=_revision(source, folder),
        files=() if folder is None else hashes.records(folder, _read_files(folder, spec)),
    )
    title = f"The ControlNet {_source(source)}"
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
    files = sorted(folder.glob("*.safetensors"))
    own = [path for path in files if spec.variant and f".{spec.variant}" in path.name]
    return own or [path for path in files if path.name.count(".") == 1]
