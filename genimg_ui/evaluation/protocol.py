"""What is measured on what: a protocol is a YAML file, and its cases follow from it alone.

    name: published
    version: 1                      # raise it when anything below changes
    pictures: {folder: pictures, glob: "*.jpg", limit: 280, side: 160}
    masks:
      seed: 0
      per_picture: 1
      kinds:
        rectangles: {count: [1, 3], side: [0.12, 0.48], cover: [0.02, 0.25]}
    prompts: [""]
    seeds: [0]
    parameters: {mask.grow: 0, mask.feather: 0}
    metrics: [mse, psnr, ssim]
    tolerances: {psnr: 0.1}

Each picture meets each mask, each prompt and each seed once. `protocol_file` reads the file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from genimg_ui.core.request import EditRequest
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.mask_shapes import MaskShape

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """Which pictures of a folder are used.

    `folder` is relative to the protocol file; None where the person who runs it names one. A
    `limit` takes a sample that depends on the files' names only. `side` crops the centre to a
    square and resizes it to so many pixels; None leaves pictures as they are.
    """

    folder: str | None = None
    glob: str = "*"
    limit: int | None = None
    side: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSet:
    """Which masks each picture gets: `per_picture` of every kind, drawn from `seed`."""

    kinds: tuple[MaskShape, ...]
    seed: int = 0
    per_picture: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A whole protocol.

    `parameters` are values of an EditRequest by their dotted names (`sampling.strength`);
    `tolerances` say by metric how much worse a result may be than its baseline.
    """

    version: int
    name: str
    masks: MaskSet
    pictures: PictureSet = field(default_factory=PictureSet)
    prompts: tuple[str, ...] = ("",)
    seeds: tuple[int, ...] = (0,)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One edit of a protocol, the same for every model.

    `picture` is the file's name relative to the folder of pictures, with `/`; `mask_seed` draws
    the mask (`masks.draw`); `index` counts the cases from 0.
    """

    index: int
    picture: str
    mask_kind: str
    mask_seed: int
    prompt: str
    seed: int


def picture_folder(protocol: Protocol, path: Path, given: Path | None = None) -> Path:
    """Where the pictures lie: `given`, else the protocol's own folder; raises RefusedInput.

    `path` is the protocol file, to which its folder is relative.
    """
    own = protocol.pictures.folder
    if given is None and own is None:
        raise RefusedInput(
            f"{path.name} names no folder of pictures.", remedy="Name one where it is run."
        )
    folder = given if given is not None else path.resolve().parent / str(own)
    if not folder.is_dir():
        raise RefusedInput(f"The pictures of {path.name} must lie in a folder, got {folder}.")
    return folder.resolve()


def cases(protocol: Protocol, folder: Path) -> tuple[Case, ...]:
    """Every case, sorted by picture, kind of mask, mask, prompt and seed, as the protocol has them.

    `folder` is that of the pictures (`picture_folder`). Raises RefusedInput where it holds none.
    """
    names = _pictures(protocol.pictures, folder)
    masks = protocol.masks
    every = product(names, masks.kinds, range(masks.per_picture), protocol.prompts, protocol.seeds)
    return tuple(
        Case(
            index=index,
            picture=name,
            mask_kind=shape.kind,
            mask_seed=_number_of(masks.seed, name, shape.kind, repeat),
            prompt=prompt,
            seed=seed,
        )
        for index, (name, shape, repeat, prompt, seed) in enumerate(every)
    )


def apply_parameters(protocol: Protocol, request: EditRequest) -> EditRequest:
    """`request` with the protocol's parameters; what a model cannot do, `resolve` refuses."""
    plain = to_json(request)
    for name, value in protocol.parameters.items():
        part, _, key = name.rpartition(".")
        (plain[part] if part else plain)[key] = value
    return from_json(EditRequest, plain)


def to_plain(protocol: Protocol) -> dict[str, Any]:
    """The whole protocol as JSON values, with every default written out."""
    plain: dict[str, Any] = to_json(protocol)
    plain["parameters"] = dict(sorted(plain["parameters"].items()))
    plain["masks"]["kinds"] = {kind.kind: to_json(kind) for kind in protocol.masks.kinds}
    return plain


def digest(protocol: Protocol) -> str:
    """SHA-256 (hex) of all that decides what is measured: everything but the tolerances."""
    plain = to_plain(protocol)
    del plain["tolerances"]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _pictures(pictures: PictureSet, folder: Path) -> list[str]:
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.glob(pictures.glob)
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )
    if not found:
        raise RefusedInput(
            f'No picture ({", ".join(PICTURE_SUFFIXES)}) matches "{pictures.glob}" in {folder}.'
        )
    # A sample of all kinds of names: the first ones in order may all be of one kind.
    sample = sorted(found, key=lambda name: _number_of("sample", name))
    return sorted(sample[: pictures.limit])


def _number_of(*words: object) -> int:
    """63 bits of SHA-256; unlike hash(), the same in every process."""
    text = json.dumps(words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
