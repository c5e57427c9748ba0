"""Which files of a hub model are needed: configs and one set of safetensors, nothing else.

Weights of the wanted variant are taken where a component has them, its plain ones otherwise, as
diffusers does. Pickles, code and the formats of other frameworks are never among them.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.folders import INDEX, MODEL_WEIGHTS, WEIGHTLESS

CONFIGS = (".json", ".txt", ".model")  # what configs, tokenizers and schedulers are made of
SAFETENSORS, PICKLE = ".safetensors", ".bin"
PICKLE_STEMS = ("diffusion_pytorch_model", "pytorch_model")
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_FORM = frozenset({"safetensors", "bin", "index", "json"})
SAFETY_PARTS = ("safety_checker", "feature_extractor")


def pipeline_files(
    names: Iterable[str],
    index: Mapping[str, Any],
    variant: str | None,
    *,
    safety: bool,
    pickles: bool = False,
) -> tuple[str, ...]:
    """The files of a pipeline whose model_index.json is `index`; raises ModelUnavailable.

    The safety checker is among them only with `safety`, pickles only with `pickles` and only
    where a component has no safetensors.
    """
    known = tuple(names)
    wanted = [INDEX]
    for part, entry in index.items():
        if not isinstance(entry, list) or len(entry) != 2 or None in entry:
            continue
        if part == SAFETY_PARTS[0] and not safety:
            continue
        weighted = not str(entry[1]).endswith(WEIGHTLESS)
        wanted += component_files(known, part, variant, weighted=weighted, pickles=pickles)
    return tuple(wanted)


def component_files(
    names: Iterable[str],
    part: str,
    variant: str | None,
    *,
    weighted: bool = True,
    pickles: bool = False,
) -> tuple[str, ...]:
    """The files of one component in the folder `part`, "" for the top; raises ModelUnavailable."""
    here = [name for name in names if _folder(name) == part]
    configs = [name for name in here if name.endswith(CONFIGS) and ".index." not in name]
    if not weighted:
        return tuple(configs)
    place = f"{part}/" if part else "the model"
    weights = [name for name in here if _is_weight(name)]
    if not any(name.endswith(SAFETENSORS) for name in weights):
        pickled = [name for name in here if _is_pickle(name) and variant_of(name) is None]
        if pickles and pickled:
            return (*configs, *pickled)
        raise ModelUnavailable(f"{place} has no safetensors weights (only safetensors are loaded).")
    for wanted in (variant, None):
        own = [name for name in weights if variant_of(name) == wanted]
        if own:
            return (*configs, *_one_stem(own))
    others = sorted({str(variant_of(name)) for name in weights})
    raise ModelUnavailable(
        f"{place} has weights of the variant {', '.join(others)} only, "
        f"variant got {variant or 'none'}."
    )


def common_variant(names: Iterable[str]) -> str | None:
    """`fp16` where weights of that variant are there: half the bytes, and what a GPU runs."""
    return (
        "fp16" if any(_is_weight(name) and variant_of(name) == "fp16" for name in names) else None
    )


def variant_of(name: str) -> str | None:
    """The variant in the name of a weight file or of its index: model.fp16.safetensors → fp16."""
    _, *rest = _SHARD.sub("", PurePosixPath(name).name).split(".")
    middle = [word for word in rest if word not in _FORM]
    return ".".join(middle) or None


def _is_weight(name: str) -> bool:
    base = PurePosixPath(name).name
    stem = _SHARD.sub("", base).split(".")[0]
    is_index = ".safetensors.index." in base
    return stem in MODEL_WEIGHTS and (base.endswith(SAFETENSORS) or is_index)


def _is_pickle(name: str) -> bool:
    base = PurePosixPath(name).name
    stem = _SHARD.sub("", base).split(".")[0]
    return stem in PICKLE_STEMS and (base.endswith(PICKLE) or f"{PICKLE}.index." in base)


def _one_stem(names: list[str]) -> list[str]:
    """Those of the stem that is read first, where a folder has two sets of the same weights."""
    for stem in MODEL_WEIGHTS:
        own = [n for n in names if re.split(r"[.-]", PurePosixPath(n).name)[0] == stem]
        whole = [n for n in own if not _SHARD.search(n) and n.endswith(SAFETENSORS)]
        if own:
            return whole or own
    return names


def _folder(name: str) -> str:
    folder = PurePosixPath(name).parent.as_posix()
    return "" if folder == "." else folder
