"""LoRAs, references and prompt weighting in a request: what is refused, what is only said."""

from dataclasses import replace

import pytest

from genimg_ui.core.adapters import FewSteps, LoraOffer, few_step_findings
from genimg_ui.core.geometry import Size
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit, SamplingParams
from genimg_ui.core.resolve import Abilities, Bounds, resolve
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.core.tokens import named_tokens, unknown_tokens
from genimg_ui.errors import RefusedInput

LCM = LoraOffer(
    name="lcm",
    few_steps=FewSteps(scheduler="lcm", num_inference_steps=4, guidance_scale=1.5),
)
MODEL = Abilities(
    id="m",
    title="Model M",
    uses_prompt_weighting=True,
    loras=(LCM, LoraOffer(name="ink")),
    references=("ip_adapter",),
)
PICTURE = "a" * 64


def _resolve(request: EditRequest, abilities: Abilities = MODEL) -> None:
    resolve(request, abilities, Size(100, 80), Bounds(), drawn_seed=11)


def loras(*units: LoraUnit) -> EditRequest:
    return EditRequest(loras=units)


def references(*units: ReferenceUnit) -> EditRequest:
    return EditRequest(references=units)


def test_what_the_model_has_is_taken() -> None:
    request = EditRequest(
        loras=(LoraUnit(name="ink", scale=-2.0), LoraUnit(name="lcm", scale=2.0)),
        references=(ReferenceUnit(picture=PICTURE, scale=2.0, start=0.5, end=0.6),),
        sampling=SamplingParams(prompt_weighting=True),
    )
    _resolve(request)
    assert from_json(EditRequest, to_json(request)) == request
    assert request.pictures == (PICTURE,)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (loras(LoraUnit(name="oil")), "Model M has these LoRAs: lcm, ink; got 'oil'. Remove"),
        (loras(LoraUnit(name="ink", scale=2.1)), r"weight of the LoRA ink must be in \[-2, 2\]"),
        (loras(LoraUnit(name="ink"), LoraUnit(name="ink")), "The LoRA ink is named twice"),
        (loras(*[LoraUnit(name="ink")] * 5), "At most 4 LoRAs work together, got 5"),
        (
            references(ReferenceUnit(picture=PICTURE, kind="style")),
            "these kinds of reference pictures: ip_adapter; got 'style'",
        ),
        (references(*[ReferenceUnit(picture=PICTURE)] * 4), "At most 3 references"),
        (
            references(ReferenceUnit(picture=PICTURE, scale=2.5)),
            r"weight of a reference must be in \[0, 2\], got 2.5",
        ),
        (
            references(ReferenceUnit(picture=PICTURE, start=0.5, end=0.5)),
            "start of a reference must be below its end, got 0.5 and 0.5",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(request_: EditRequest, sentence: str) -> None:
    with pytest.raises(RefusedInput, match=sentence):
        _resolve(request_)


def test_a_model_without_them_refuses_each() -> None:
    plain = Abilities(id="p", title="Plain")
    for request, sentence in (
        (loras(LoraUnit(name="ink")), "Plain has these LoRAs: none"),
        (references(ReferenceUnit(picture=PICTURE)), "reference pictures: none"),
        (
            EditRequest(sampling=SamplingParams(prompt_weighting=True)),
            "Plain does not take prompt weighting. Switch it off",
        ),
    ):
        with pytest.raises(RefusedInput, match=sentence):
            _resolve(request, plain)


def few(**sampling: float | str) -> list[tuple[str, object]]:
    values = {"scheduler": "lcm", "num_inference_steps": 4, "guidance_scale": 1.5} | sampling
    request = EditRequest(loras=(LoraUnit(name="lcm"),), sampling=SamplingParams(**values))
    findings = few_step_findings(request, MODEL.loras)
    assert not any(finding.blocking for finding in findings)
    return [(f.remedy.field, f.remedy.value) for f in findings if f.remedy]


def test_settings_that_contradict_a_few_step_lora_are_said_with_their_remedy() -> None:
    assert few() == []
    assert few(num_inference_steps=8, guidance_scale=1.0) == []
    assert few(scheduler="default") == [("scheduler", "lcm")]
    assert few(num_inference_steps=30) == [("num_inference_steps", 4)]
    assert few(num_inference_steps=2) == [("num_inference_steps", 4)]
    assert few(guidance_scale=7.0) == [("guidance_scale", 1.5)]


def test_a_lora_without_weight_or_without_few_steps_contradicts_nothing() -> None:
    request = EditRequest(loras=(LoraUnit(name="lcm", scale=0.0), LoraUnit(name="ink")))
    assert few_step_findings(request, MODEL.loras) == []
    worn = replace(request, loras=(LoraUnit(name="lcm"),))
    assert len(few_step_findings(worn, MODEL.loras)) == 3


def test_tokens_are_found_as_words() -> None:
    texts = ("a <toy> and my-cat", "catalogue")
    assert named_tokens(texts, ("<toy>", "cat", "dog", "my-cat")) == ("<toy>", "cat", "my-cat")
    assert named_tokens(("catalogue",), ("cat",)) == ()
    assert unknown_tokens((*texts, "<other>"), ("<toy>",)) == ("<other>",)
