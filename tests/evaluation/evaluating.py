"""A tiny evaluation: real pictures, engines and editor; one metric, so that torch is not needed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.serial import to_json
from genimg_ui.editor import Editor
from genimg_ui.evaluation.baselines import with_baselines
from genimg_ui.evaluation.mask_shapes import Blob, Rectangles
from genimg_ui.evaluation.metrics.base import Pair, Score, SetScore, Unavailable
from genimg_ui.evaluation.protocol import MaskSet, PictureSet, Protocol
from genimg_ui.evaluation.session import Asked, Evaluated, Tools, evaluate
from genimg_ui.registry import Registry
from tests.editing import EXEMPLAR, photograph

SESSION = "0" * 32
LACKING = "LPIPS needs the weights of AlexNet."
REGISTRY = with_baselines(Registry((EXEMPLAR,), "exemplar"))


class PlainScorer:
    """MSE of pairs, and of sets the mean brightness of the results as `fid`."""

    unavailable = (Unavailable("lpips", LACKING),)

    def score(self, pairs: Sequence[Pair]) -> list[dict[str, Score]]:
        return [{"mse": _mse(pair)} for pair in pairs]

    def score_set(self, pairs: Iterable[Pair]) -> dict[str, SetScore]:
        means = [pair.result.mean() for pair in pairs]
        mean = float(np.mean(means))
        return {"fid": SetScore(value=mean, n=len(means), low=mean - 1, high=mean + 1)}


def _mse(pair: Pair) -> float:
    return float(np.mean((pair.result / 255.0 - pair.original / 255.0) ** 2))


def protocol(**changes: object) -> Protocol:
    usual = Protocol(
        version=1,
        name="tiny",
        pictures=PictureSet(glob="*.png", side=48),
        masks=MaskSet(kinds=(Rectangles(), Blob())),
        parameters={"mask.grow": 0, "mask.feather": 0},
        metrics=("mse", "lpips", "fid"),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def pictures(folder: Path, count: int = 3) -> Path:
    """So many photographs, each another."""
    folder.mkdir()
    for index in range(count):
        photograph(60 + index, 56).rotate(90 * index).save(folder / f"p{index}.png")
    return folder


def asked(folder: Path, models: str = "fill:telea,fill:neutral", **changes: object) -> Asked:
    """An evaluation of the pictures in folder/pictures, which are made if they are not there."""
    place = folder / "pictures"
    specs = tuple(REGISTRY.get(name) for name in models.split(","))
    usual = Asked(
        protocol=protocol(),
        pictures=place if place.exists() else pictures(place),
        specs=specs,
        models={spec.id: to_json(spec) for spec in specs},
        out=folder / "out",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def run(
    what: Asked,
    tell: Callable[[str], None] = lambda _: None,
    cancel: CancelToken | None = None,
    *,
    registry: Registry = REGISTRY,
) -> Evaluated:
    """Evaluate with engines of its own."""
    pool = BackendPool()
    tools = Tools(
        editor_of=lambda store: Editor(store, registry, pool),
        open_scorer=lambda _: PlainScorer(),
        release=pool.release,
        session=SESSION,
        tell=tell,
        cancel=cancel or CancelToken(),
    )
    return evaluate(what, tools)
