"""LoRAs, embeddings and references on the page: what a model has is offered, with what it needs."""

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from genimg_ui.core.adapters import FewSteps
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import EmbeddingSpec, LoraSpec, ReferenceSpec
from genimg_ui.ui.handlers.adapters import with_words
from genimg_ui.ui.lora_panel import NO_LORA, LoraPanel
from genimg_ui.ui.reference_panel import ReferencePanel

FEW = FewSteps(scheduler="lcm", num_inference_steps=4, guidance_scale=1.5)
PLAIN = ModelSpec(id="plain", title="Plain", engine="diffusers", licence="-")
RICH = replace(
    PLAIN,
    id="rich",
    loras=(
        LoraSpec(name="ink", source="a/i", trigger="ink drawing", note="Lines.", licence="MIT"),
        LoraSpec(name="lcm", source="a/l", few_steps=FEW),
    ),
    embeddings=(EmbeddingSpec(token="<toy>", source="a/t"),),
    references=(ReferenceSpec(kind="ip_adapter", source="a/r"),),
)


@pytest.fixture(scope="module")
def panels() -> tuple[LoraPanel, ReferencePanel]:
    with gr.Blocks():
        return LoraPanel.build(), ReferencePanel.build()


def test_a_models_own_lists_are_offered(panels: tuple[LoraPanel, ReferencePanel]) -> None:
    lora, reference = panels
    updates = lora.allow(RICH)
    assert updates[lora.first.name]["choices"] == [NO_LORA, "ink", "lcm"]
    assert (updates[lora.token]["choices"], updates[lora.token]["value"]) == (["<toy>"], "<toy>")
    assert reference.allow(RICH)[reference.first.scale]["interactive"]


def test_a_model_without_them_says_so(panels: tuple[LoraPanel, ReferencePanel]) -> None:
    lora, reference = panels
    updates = lora.allow(PLAIN) | reference.allow(PLAIN)
    assert updates[lora.first.name]["choices"] == [NO_LORA]
    for widget in (lora.first.name, lora.token, reference.first.scale):
        assert updates[widget]["info"].startswith(("This model has none.", "This model reads no"))
    assert not updates[lora.token]["interactive"]
    assert not updates[reference.first.scale]["interactive"]


def test_another_model_begins_without_what_it_cannot_have(
    panels: tuple[LoraPanel, ReferencePanel],
) -> None:
    lora, reference = panels
    assert lora.defaults() == {unit.name: NO_LORA for unit in lora.units}
    assert reference.defaults(PLAIN) == {unit.picture: "" for unit in reference.units}
    assert reference.defaults(RICH) == {}


def test_a_chosen_lora_tells_its_words_note_and_licence(
    panels: tuple[LoraPanel, ReferencePanel],
) -> None:
    unit = panels[0].first
    told = unit.told(RICH.loras[0])
    assert told[unit.trigger]["value"] == "Lines. · MIT · Its words: ink drawing"
    assert told[unit.insert]["visible"] is True
    for lora in (RICH.loras[1], None):
        assert unit.told(lora)[unit.insert]["visible"] == "hidden"


@pytest.mark.parametrize(
    ("prompt", "words", "expected"),
    [
        ("", "ink", "ink"),
        ("a house", "ink", "a house, ink"),
        ("a house, ", "ink", "a house, ink"),
        ("an ink house", "ink", "an ink house"),
        ("a house", "", "a house"),
    ],
)
def test_words_go_into_the_prompt_once(prompt: str, words: str, expected: Any) -> None:
    assert with_words(prompt, words) == expected
