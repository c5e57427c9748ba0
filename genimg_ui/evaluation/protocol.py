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

Each picture meets each mask, each prompt and each seed once. Every refusal names file, line, key,
what came and what is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    pictures: PictureSet
    masks: MaskSet
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
