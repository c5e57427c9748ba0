"""LoRAs and reference pictures: what a request may ask of a model that has them.

The model's entry in models.yaml names them; a request names which of them, and how strongly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genimg_ui.core.preflight import Finding, Remedy
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit, SamplingParams
from genimg_ui.core.values import check_range
from genimg_ui.errors import RefusedInput

MAX_LORAS = 4  # at once: more than four styles only spoil each other
MAX_REFERENCES = 3  # at once: each adds an attention of its own to every block
LORA_RANGE = (-2.0, 2.0)  # negative weights lead away from what the LoRA has learned
REFERENCE_RANGE = (0.0, 2.0)
MORE_STEPS = 2  # times the steps that a few-step LoRA was distilled for; beyond it overcooks
MORE_GUIDANCE = 1.0  # above the guidance_scale that it was distilled for


@dataclass(frozen=True, slots=True, kw_only=True)
class FewSteps:
    """The settings that a LoRA was distilled for (LCM, Lightning, Hyper, TCD)."""

    scheduler: str
    num_inference_steps: int
    guidance_scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOffer:
    """A LoRA that a model has, as far as requests are concerned."""

    name: str
    few_steps: FewSteps | None = None


def check_loras(units: Sequence[LoraUnit], offered: Sequence[LoraOffer], title: str) -> None:
    """Refuse LoRAs that the model `title` has not, or that cannot be meant."""
    if len(units) > MAX_LORAS:
        raise RefusedInput(f"At most {MAX_LORAS} LoRAs work together, got {len(units)}.")
    names = [offer.name for offer in offered]
    for index, unit in enumerate(units):
        if unit.name not in names:
            raise RefusedInput(
                f"{title} has these LoRAs: {', '.join(names) or 'none'}; got {unit.name!r}.",
                remedy="Remove the LoRA or choose another model.",
            )
        if unit.name in [other.name for other in units[:index]]:
            raise RefusedInput(f"The LoRA {unit.name} is named twice.", remedy="Remove one.")
        check_range(f"weight of the LoRA {unit.name}", unit.scale, *LORA_RANGE)


def check_references(units: Sequence[ReferenceUnit], offered: Sequence[str], title: str) -> None:
    """Refuse reference pictures that the model `title` cannot read, or that cannot be meant."""
    if len(units) > MAX_REFERENCES:
        raise RefusedInput(f"At most {MAX_REFERENCES} references work together, got {len(units)}.")
    for unit in units:
        if unit.kind not in offered:
            raise RefusedInput(
                f"{title} reads these kinds of reference pictures: "
                f"{', '.join(offered) or 'none'}; got {unit.kind!r}.",
                remedy="Remove the reference or choose another model.",
            )
        check_range("weight of a reference", unit.scale, *REFERENCE_RANGE)
        check_range("start of a reference", unit.start, 0, 1)
        check_range("end of a reference", unit.end, 0, 1, open_low=True)
        if unit.start >= unit.end:
            raise RefusedInput(
                f"start of a reference must be below its end, got {unit.start:g} and {unit.end:g}."
            )


def check_weighting(sampling: SamplingParams, *, taken: bool, title: str) -> None:
    """Refuse prompt weighting where the model `title` does not take it."""
    if sampling.prompt_weighting and not taken:
        raise RefusedInput(
            f"{title} does not take prompt weighting.",
            remedy="Switch it off, or choose a Stable Diffusion 1.5 or XL model.",
        )


def few_step_findings(request: EditRequest, offered: Sequence[LoraOffer]) -> list[Finding]:
    """Say where settings contradict those that a chosen few-step LoRA was distilled for."""
    known = {offer.name: offer.few_steps for offer in offered}
    findings: list[Finding] = []
    for unit in request.loras:
        wanted = known.get(unit.name)
        if wanted is not None and unit.scale > 0:
            findings += _contradictions(unit.name, request.sampling, wanted)
    return findings


def _contradictions(name: str, sampling: SamplingParams, wanted: FewSteps) -> list[Finding]:
    steps, few = sampling.num_inference_steps, wanted.num_inference_steps
    guidance, low = sampling.guidance_scale, wanted.guidance_scale
    findings = []
    if sampling.scheduler != wanted.scheduler:
        findings.append(
            _finding(
                f"The LoRA {name} was made for the scheduler {wanted.scheduler}, "
                f"got {sampling.scheduler}.",
                Remedy(
                    label=f"Set Scheduler to {wanted.scheduler}",
                    field="scheduler",
                    value=wanted.scheduler,
                ),
            )
        )
    if not few <= steps <= MORE_STEPS * few:
        findings.append(
            _finding(
                f"The LoRA {name} was made for {few} steps, got {steps}.",
                Remedy(label=f"Set Steps to {few}", field="num_inference_steps", value=few),
            )
        )
    if guidance > low + MORE_GUIDANCE:
        findings.append(
            _finding(
                f"The LoRA {name} was made for a CFG of {low:g}, got {guidance:g}.",
                Remedy(label=f"Set CFG to {low:g}", field="guidance_scale", value=low),
            )
        )
    return findings


def _finding(sentence: str, remedy: Remedy) -> Finding:
    return Finding(sentence=sentence, remedy=remedy)
