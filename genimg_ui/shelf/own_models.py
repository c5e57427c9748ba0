"""Models that a person adds: recognised, and kept as entries of a file in the data folder.

The program's own models.yaml is never written.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from genimg_ui.errors import RefusedInput
from genimg_ui.history.files import write_whole
from genimg_ui.history.locks import locked_path
from genimg_ui.registry import FAMILIES
from genimg_ui.registry.places import OF_UNETS
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import OnFetching, Wanted, index_of, plan
from genimg_ui.weights.gguf_header import GGUF
from genimg_ui.weights.hub import is_hub_host, list_files
from genimg_ui.weights.recognise import (
    Recognised,
    family_of_class,
    recognise_file,
    recognise_shapes,
)
from genimg_ui.weights.remote_header import remote_shapes
from genimg_ui.weights.selection import common_variant

GIB = 2**30
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WEIGHTS = (folders.SAFETENSORS, GGUF)
# A file on the hub: owner/name/file, or the address of its page or of its bytes.
_HUB_FILE = re.compile(rf"({_HUB_ID.pattern})/([^?#]+)")
_ADDRESS = re.compile(
    rf"https?://(?P<host>[^/]+)/(?P<id>{_HUB_ID.pattern})/(?:blob|resolve)/"
    r"(?P<revision>[^/?#]+)/(?P<file>[^?#]+)(?:[?#].*)?"
)
_NON_COMMERCIAL = re.compile(r"non-?commercial|(^|-)nc(-|$)|research", re.IGNORECASE)
_KINDS = {"lora": "LoRA", "controlnet": "ControlNet", "vae": "VAE"}
_HEAD = "# Models that were added on the Models tab or by `python -m genimg_ui models add`.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a source turned out to be: the keys of an entry that could be told."""

    source: str
    family: str
    file: str = ""  # in `source`, where that is a hub id and holds single files
    revision: str = ""
    note: str = ""
    variant: str | None = None
    licence: str = ""
    download_gib: float = 0.0

    @property
    def non_commercial(self) -> bool:
        return _NON_COMMERCIAL.search(self.licence) is not None

    def entry(self, title: str) -> dict[str, Any]:
        """The entry of models.yaml."""
        entry: dict[str, Any] = {"source": self.source, "family": self.family, "title": title}
        told = {name: getattr(self, name) for name in ("file", "revision", "variant", "licence")}
        entry |= {name: value for name, value in told.items() if value}
        if self.note:
            entry["note"] = self.note
        if self.non_commercial:
            entry["non_commercial"] = True
        if self.download_gib:
            entry["download_gib"] = self.download_gib
        return entry


def find(source: str) -> Found:
    """Recognise a hub id, a file of the hub, a folder or a file; raises RefusedInput.

    Of a hub file the header alone is read; raises ModelUnavailable where the hub does not answer.
    """
    text = source.strip()
    path = Path(text).expanduser()
    if path.is_dir():
        return _folder(path.resolve())
    if path.is_file() or text.startswith((".", "/", "~")):
        return _file(path.resolve())
    if _HUB_ID.fullmatch(text):
        return _on_hub(text)
    address = _ADDRESS.fullmatch(text)
    if address is not None and is_hub_host(address["host"]):
        return _file_on_hub(address["id"], unquote(address["file"]), unquote(address["revision"]))
    named = _HUB_FILE.fullmatch(text)
    if named is not None:
        return _file_on_hub(named[1], named[2])
    raise RefusedInput(
        "A model must be a hub id such as owner/name, a file of the hub such as "
        "owner/name/file.safetensors or its address, a folder, or a .safetensors or .gguf file, "
        f"got {text[:80]!r}."
    )


def _on_hub(hub_id: str) -> Found:
    listing = list_files(hub_id)
    wanted = Wanted(hub_id=hub_id)
    index = index_of(wanted, listing, OnFetching())
    family = _family_of_index(hub_id, index or "")
    names = [file.name for file in listing.files if "/" in file.name]
    variant = common_variant(names)
    files = plan(Wanted(hub_id=hub_id, variant=variant), listing, index)
    size = round(sum(file.bytes for file in files) / GIB, 2)
    return Found(
        source=hub_id,
        family=family,
        variant=variant,
        licence=listing.licence,
        download_gib=size,
    )


def _file_on_hub(hub_id: str, name: str, revision: str = "main") -> Found:
    _check_ending(name)
    listing = list_files(hub_id, revision)
    file = listing.get(name)
    if file is None:
        others = [f.name for f in listing.files if f.name.lower().endswith(_WEIGHTS)]
        known = ", ".join(others[:6]) + (", …" if len(others) > 6 else "")
        raise RefusedInput(f"{hub_id} has no file {name}; it has {known or 'no weights'}.")
    found = recognise_shapes(remote_shapes(hub_id, listing.commit, file))
    return Found(
        source=hub_id,
        file=name,
        family=_family_of_file(found, name),
        revision="" if revision == "main" else revision,
        note=_note(found),
        licence=listing.licence,
        download_gib=round(file.bytes / GIB, 2),
    )


def _family_of_index(source: str, text: str) -> str:
    try:
        name = str(json.loads(text).get("_class_name"))
    except (ValueError, AttributeError):
        name = "model without a class name"
    family = family_of_class(name)
    if family is None or family not in FAMILIES:
        raise RefusedInput(
            f"{source} holds a {name}, which no family here reads: {', '.join(FAMILIES)}."
        )
    return family


def _folder(folder: Path) -> Found:
    index = folder / folders.INDEX
    if not index.is_file():
        raise RefusedInput(
            f"The folder {folder} lacks {folders.INDEX}.",
            remedy="Name the folder that diffusers has saved, or a single .safetensors file.",
        )
    family = _family_of_index(str(folder), index.read_text(encoding="utf-8", errors="replace"))
    names = [path.relative_to(folder).as_posix() for path in folder.glob("*/*.safetensors")]
    for variant in (None, common_variant(names)):
        lack = folders.missing_part(folder, variant)
        if lack is None:
            return Found(source=str(folder), family=family, variant=variant)
    raise RefusedInput(f"The folder {folder} {lack}.", remedy="Download or copy it again, whole.")


def _file(path: Path) -> Found:
    if not path.is_file():
        raise RefusedInput(f"There is no folder and no file {path}.")
    _check_ending(path.name)
    found = recognise_file(path)
    return Found(source=str(path), family=_family_of_file(found, path.name), note=_note(found))


def _check_ending(name: str) -> None:
    if not name.lower().endswith(_WEIGHTS):
        raise RefusedInput(
            f"Only .safetensors and .gguf files are loaded, got {Path(name).name}.",
            remedy="Convert it, or look for a .safetensors file of the same model.",
        )


def _note(found: Recognised | None) -> str:
    if found is None or found.whole:
        return ""
    return f"The denoiser alone: encoders and autoencoder are those of {found.config}."


def _family_of_file(found: Recognised | None, name: str) -> str:
    """The family of what a single file holds; raises RefusedInput where it is no model."""
    if found is None or (found.kind == "model" and found.family not in FAMILIES):
        raise RefusedInput(
            f"The names of the weights in {name} belong to no family that is known here: "
            f"{', '.join(FAMILIES)}."
        )
    if found.kind != "model":
        raise RefusedInput(
            f"{name} holds a {_KINDS.get(found.kind, found.kind)}, no model.",
            remedy="Name it in the entry of the model that it belongs to, in models.yaml.",
        )
    if name.lower().endswith(GGUF) and (found.whole or found.family in OF_UNETS):
        raise RefusedInput(
            f"Of GGUF files those with a transformer alone are read, not {name}.",
            remedy="Take the .safetensors file of the same model.",
        )
    return found.family


class OwnModels:
    """The entries of one data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.parent / "genimg.lock"

    def add(self, model_id: str, entry: Mapping[str, Any]) -> None:
        """Keep an entry; raises RefusedInput where the name is taken or strange."""
        if not _ID.fullmatch(model_id):
            raise RefusedInput(
                "A model's name must be of small letters, digits, dots and dashes, at most 64, "
                f"got {model_id[:80]!r}."
            )
        with locked_path(self._lock):
            entries = self._read()
            if model_id in entries:
                raise RefusedInput(f"There is a model {model_id} already: choose another name.")
            self._write({**entries, model_id: dict(entry)})

    def remove(self, model_id: str) -> None:
        """Drop an entry; nothing where there is none."""
        with locked_path(self._lock):
            entries = self._read()
            if model_id in entries:
                self._write({name: e for name, e in entries.items() if name != model_id})

    def _read(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {}
        try:
            content = yaml.safe_load(self.path.read_text(encoding="utf-8"))
            entries = content.get("models") if content else {}
        except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
            raise RefusedInput(
                f"{self.path} cannot be read: {str(error).splitlines()[0]}"
            ) from error
        return dict(entries or {})

    def _write(self, entries: Mapping[str, Any]) -> None:
        text = yaml.safe_dump({"models": dict(entries)}, sort_keys=False, allow_unicode=True)
        write_whole(self.path, (_HEAD + text).encode(), "the list of added models")


def new_id(source: str, taken: set[str]) -> str:
    """A free name for a source: the end of it, in small letters."""
    stem = Path(source).name.removesuffix(folders.SAFETENSORS).removesuffix(GGUF).lower()
    stem = re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")[:56] or "model"
    names = (stem if count == 1 else f"{stem}-{count}" for count in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
