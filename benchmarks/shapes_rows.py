"""What the `shapes` benchmark measures of painted cases; every score is 0 or 1, or a number.

A row is a list of jobs. A job names a case, how to score it, and the settings that vary, so that
it can be sent to another process; its scores come back under the same key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shapes_cases import (
    Case,
    Rgb,
    add_a_thing,
    add_without_black,
    avoiding,
    exchange,
    from_nothing,
    guided_by_edges,
    guided_by_segments,
    outpaint,
    removal,
)
from benchmarks.shapes_studio import Painted, Studio
from genimg_ui.core.report import seam_score
from training.shapes.judge import judge_background, judge_region
from training.shapes.scenes import Thing

Scores = dict[str, float | str]
Score = Callable[[Case, list[Painted]], Scores]
INK_LIGHTNESS, INK_CHROMA = 40.0, 20.0  # CIELAB; ink is darker and greyer
MINIMUM_STEP: Final = 1.0  # grey levels; of the original's own gradient in flat pictures


@dataclass(frozen=True)
class Row:
    """`key` names the row in the table, `setting` its column."""

    key: str
    setting: str
    make: Callable[[int], Case]
    score: Score
    model: str = "shapes"
    control: str = "canny"
    lora: bool = False
    variants: int = 1  # of one case; with more of them there are as many cases fewer


def run(row: Row, studio: Studio, index: int) -> Scores:
    """Paint case `index` of a row and score it."""
    case = row.make(index)
    return row.score(case, studio.paint(case))


def asked(case: Case, painted: list[Painted]) -> Scores:
    """Whether colour and shape are those of the prompt."""
    verdict = judge_region(painted[0].result, case.mask > 0, case.background)
    thing = _thing(case)
    colour, shape = verdict.colour == thing.colour, verdict.shape == thing.shape
    return {
        "colour": float(colour),
        "shape": float(shape),
        "both": float(colour and shape),
        "asked": thing.shape,
        "seen": verdict.shape or "none",
    }


def variety(case: Case, painted: list[Painted]) -> Scores:
    """Root mean square difference of the variants inside the mask, in grey levels."""
    inside = case.mask > 0
    stack = np.stack([p.patch[inside].astype(np.float64) for p in painted])
    pairs = [
        float(np.sqrt(((a - b) ** 2).mean())) for i, a in enumerate(stack) for b in stack[i + 1 :]
    ]
    return {"diversity": float(np.mean(pairs))}


def exchanged(case: Case, painted: list[Painted]) -> Scores:
    """Whether the old thing stands, or the new one; and how like the original it is."""
    verdict = judge_region(painted[0].result, case.mask > 0, case.background)
    old, new = case.old, _thing(case)
    assert old is not None
    return {
        "psnr": _psnr(painted[0].result, case.picture, case.mask > 0),
        "old": float(verdict.colour == old.colour and verdict.shape == old.shape),
        "new": float(verdict.colour == new.colour and verdict.shape == new.shape),
    }


def cleared(case: Case, painted: list[Painted]) -> Scores:
    """Whether nothing stands under the mask, and the background goes on."""
    verdict = judge_region(painted[0].result, case.mask > 0, case.background)
    ground = judge_background(painted[0].result, case.mask > 0)
    return {
        "clear": float(verdict.colour is None),
        "background": float(ground.kind == case.background.kind),
    }


def continued(case: Case, painted: list[Painted]) -> Scores:
    """Whether the background goes on beyond the border, and the seam against the original's."""
    result = painted[0].result
    ground = judge_background(result, case.mask > 0)
    return {
        "background": float(ground.kind == case.background.kind),
        "seam": _edge_step(result, case) / max(_edge_step(case.picture, case), MINIMUM_STEP),
        "score": seam_score(result, case.mask),
    }


def pictured(case: Case, painted: list[Painted]) -> Scores:
    """Text to image: the thing, and the background's kind and colours, each and together."""
    patch = painted[0].patch
    whole = np.ones(patch.shape[:2], bool)
    verdict = judge_region(patch, whole, None)
    ground = judge_background(patch, whole)
    thing = _thing(case)
    right = verdict.colour == thing.colour and verdict.shape == thing.shape
    kind = ground.kind == case.background.kind
    return {"object": float(right), "background": float(kind), "both": float(right and kind)}


def outlined(case: Case, painted: list[Painted]) -> Scores:
    """Intersection over union of what was painted with the true thing's area."""
    thing = _thing(case)
    truth = _area(case.truth, case, thing)
    return {"iou": _iou(_area(painted[0].result, case, thing), truth)}


def inked(case: Case, painted: list[Painted]) -> Scores:
    """How pale and how outlined the thing came: mean chroma, and the part of the mask in ink."""
    lab = cv2.cvtColor(painted[0].patch.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    inside = lab[case.mask > 0]
    chroma = np.hypot(inside[:, 1], inside[:, 2])
    return {
        "chroma": float(chroma.mean()),
        "ink": float(((inside[:, 0] < INK_LIGHTNESS) & (chroma < INK_CHROMA)).mean()),
    }


def free_of(colour: str) -> Score:
    """Whether the thing that came has this colour."""

    def score(case: Case, painted: list[Painted]) -> Scores:
        verdict = judge_region(painted[0].result, case.mask > 0, case.background)
        return {colour: float(verdict.colour == colour)}

    return score


def with_settings(make: Callable[[int], Case], **settings: object) -> Callable[[int], Case]:
    """The same cases under other settings."""
    return lambda index: replace(make(index), **settings)  # type: ignore[arg-type]


def _adapter_rows() -> list[Row]:
    """Those of the ControlNets and of the LoRA."""
    control: Mapping[str, Mapping[str, float]] = {
        "scale 1": {},
        "scale 0": {"controlnet_conditioning_scale": 0.0},
        "scale 1 until 0.3": {"control_guidance_end": 0.3},
    }
    rows = [
        Row("ControlNet edges", name, with_settings(guided_by_edges, **changes), outlined)
        for name, changes in control.items()
    ]
    segments = guided_by_segments
    none = with_settings(guided_by_segments, controlnet_conditioning_scale=0.0)
    rows += [
        Row("ControlNet segments", "scale 1", segments, outlined, control="segmentation"),
        Row("ControlNet segments", "scale 0", none, outlined, control="segmentation"),
    ]
    rows += [
        Row(
            "LoRA of ink",
            f"{w:g}",
            with_settings(add_without_black, lora_scale=w),
            inked,
            lora=True,
        )
        for w in (0.0, 0.5, 1.0)
    ]
    return rows


def _rows() -> tuple[Row, ...]:
    guidance = [1.0, 3.0, 7.5]
    rows = [
        Row("inpaint", f"CFG {g:g}", with_settings(add_a_thing, guidance_scale=g), asked)
        for g in guidance
    ]
    rows += [
        Row(
            "diversity over 4 seeds",
            f"CFG {g:g}",
            with_settings(add_a_thing, guidance_scale=g, variants=4),
            variety,
            variants=4,
        )
        for g in guidance
    ]
    strengths = [round(0.1 * i, 1) for i in range(1, 11)]
    rows += [
        Row("strength", f"{s:g}", with_settings(exchange, strength=s), exchanged) for s in strengths
    ]
    rows += [
        Row("removal", f'"{p}"', with_settings(removal, prompt=p), cleared) for p in ("", "nothing")
    ]
    rows += [
        Row("negative prompt", f'"{n}"', avoiding("red", n), free_of("red")) for n in ("", "red")
    ]
    rows += [
        Row("outpaint", f"{s:.0%}", lambda index, s=s: outpaint(index, s), continued)  # type: ignore[misc]
        for s in (0.25, 0.5)
    ]
    rows += [
        Row(
            "text to image",
            f"{channels} channels, CFG {g:g}",
            with_settings(from_nothing, guidance_scale=g),
            pictured,
            model=model,
        )
        for channels, model in ((9, "shapes"), (4, "shapes-free"))
        for g in (3.0, 5.0)
    ]
    rows += _adapter_rows()
    rows += [
        Row("steps", str(n), with_settings(add_a_thing, num_inference_steps=n), asked)
        for n in (4, 8, 50)
    ]
    return tuple(rows)


ROWS: Final = _rows()


# Rows of the same cases under the same settings; they are painted once.
SAME: Final = {
    ("steps", "20"): ("inpaint", "CFG 3"),
    ("scheduler", "default"): ("inpaint", "CFG 3"),
}


def scheduler_rows(names: tuple[str, ...]) -> tuple[Row, ...]:
    """The same prompts with each scheduler of the app."""
    return tuple(
        Row("scheduler", name, with_settings(add_a_thing, scheduler=name), asked) for name in names
    )


def _thing(case: Case) -> Thing:
    assert case.thing is not None
    return case.thing


def _psnr(a: Rgb, b: Rgb, inside: NDArray[np.bool_]) -> float:
    error = float(((a[inside].astype(np.float64) - b[inside]) ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-2)))


def _edge_step(picture: Rgb, case: Case) -> float:
    """Mean absolute step between neighbours on both sides of the mask's edge, in grey levels."""
    inside, pixels = case.mask > 0, picture.astype(np.float64)
    across = inside[:, 1:] != inside[:, :-1]
    down = inside[1:] != inside[:-1]
    steps = np.concatenate(
        [
            np.abs(pixels[:, 1:] - pixels[:, :-1])[across].mean(axis=1),
            np.abs(pixels[1:] - pixels[:-1])[down].mean(axis=1),
        ]
    )
    return float(steps.mean())


def _area(picture: Rgb | None, case: Case, thing: Thing) -> NDArray[np.bool_]:
    """Where the picture is nearer to the thing's colour than to any mix of the background's."""
    assert picture is not None
    pixels = picture.astype(np.float64) / 255
    start, end = np.array(case.background.first_rgb), np.array(case.background.second_rgb)
    line = end - start
    along = np.clip(((pixels - start) @ line) / max(float(line @ line), 1e-9), 0, 1)
    from_ground = np.linalg.norm(pixels - start - along[..., None] * line, axis=-1)
    from_thing = np.linalg.norm(pixels - np.array(thing.rgb), axis=-1)
    return (from_thing < from_ground) & (case.mask > 0)


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / max(int((a | b).sum()), 1))
