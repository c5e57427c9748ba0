"""The flags of what an edit adds to its model: LoRAs, references, prompt weighting."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genimg_ui.core.adapters import FewSteps
from genimg_ui.core.image import decode
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit, SamplingParams
from genimg_ui.errors import RefusedInput
from genimg_ui.history.store import Store
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapter_checks import adapter_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFlag:
    """One reference as its flag says it: its picture is still a file."""

    path: Path
    unit: ReferenceUnit


def add_adapter_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags, which fill `lora`, `reference` and `prompt_weighting`."""
    add = parser.add_argument
    add(
        "--lora",
        type=_lora,
        action="append",
        default=[],
        metavar="NAME[:WEIGHT]",
        help="one of the model's LoRAs; may be given several times",
    )
    add(
        "--reference",
        type=_reference,
        action="append",
        default=[],
        metavar="FILE[:WEIGHT[:START[:END]]]",
        help="a picture that the result shall resemble; may be given several times",
    )
    add("--prompt-weighting", action="store_true", help="read (word)1.3 and word++")


def added_to(
    request: EditRequest, flags: argparse.Namespace, spec: ModelSpec, store: Store
) -> EditRequest:
    """The request with what the flags add; references are kept in the store.

    A LoRA without a weight has that of its entry. Where flags say nothing of scheduler, steps
    and CFG, a few-step LoRA does. Raises RefusedInput.
    """
    loras = tuple(LoraUnit(name=n, scale=_weight(spec, n, scale)) for n, scale in flags.lora)
    sampling = replace(request.sampling, prompt_weighting=flags.prompt_weighting)
    few = _few_steps(spec, loras)
    if few is not None:
        asked = {
            "scheduler": (flags.scheduler != SamplingParams().scheduler, few.scheduler),
            "num_inference_steps": (flags.steps is not None, few.num_inference_steps),
            "guidance_scale": (flags.guidance_scale is not None, few.guidance_scale),
        }
        taken: dict[str, Any] = {n: value for n, (said, value) in asked.items() if not said}
        sampling = replace(sampling, **taken)
    references = tuple(_stored(item, store) for item in flags.reference)
    return replace(request, loras=loras, references=references, sampling=sampling)


def adapter_notes(request: EditRequest, spec: ModelSpec) -> list[str]:
    """What is worth knowing of what the edit adds, in sentences."""
    return [found.sentence for found in adapter_findings(request, spec) if not found.blocking]


def _weight(spec: ModelSpec, name: str, given: float | None) -> float:
    known = {lora.name: lora.scale for lora in spec.loras}
    return known.get(name, 1.0) if given is None else given


def _few_steps(spec: ModelSpec, units: tuple[LoraUnit, ...]) -> FewSteps | None:
    chosen = {unit.name for unit in units}
    found = (lora.few_steps for lora in spec.loras if lora.name in chosen)
    return next((few for few in found if few is not None), None)


def _lora(text: str) -> tuple[str, float | None]:
    name, colon, scale = text.rpartition(":")
    if not colon:
        return text, None
    try:
        return name, float(scale)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be NAME or NAME:WEIGHT, got {text!r}") from None


def _reference(text: str) -> ReferenceFlag:
    """Numbers are taken from the end: a file's name may have colons."""
    rest, numbers = text, list[float]()
    while ":" in rest and len(numbers) < 3:
        head, _, tail = rest.rpartition(":")
        try:
            numbers.insert(0, float(tail))
        except ValueError:
            break
        rest = head
    values: dict[str, Any] = dict(zip(("scale", "start", "end"), numbers, strict=False))
    return ReferenceFlag(path=Path(rest), unit=ReferenceUnit(picture="", **values))


def _stored(flag: ReferenceFlag, store: Store) -> ReferenceUnit:
    if not flag.path.is_file():
        raise RefusedInput(f"There is no file {flag.path}.")
    decode(flag.path)
    return replace(flag.unit, picture=store.put_source(flag.path))
