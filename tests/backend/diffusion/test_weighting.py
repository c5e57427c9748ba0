"""Prompt weighting: marks act, plain prompts stay as they are, long ones are read whole."""

import numpy as np
import pytest
from sampling_support import generate, job, painted_change, patch, spec

from genimg_ui.errors import RefusedInput

pytestmark = pytest.mark.torch

MODELS = ("sd15", "sdxl", "sdxl_inpaint")
LONG = "red " * 20 + "blue house"  # 22 tokens; the tiny encoder reads 14


@pytest.mark.parametrize("negative", ["", "blurry tree"])
@pytest.mark.parametrize("name", MODELS)
def test_a_prompt_without_marks_gives_the_same_pixels(backend, models, name, negative):
    plain, weighted = (
        patch(backend, spec(models / name), negative_prompt=negative, prompt_weighting=on)
        for on in (False, True)
    )
    np.testing.assert_array_equal(plain, weighted)


@pytest.mark.parametrize("name", MODELS)
def test_each_weight_gives_another_picture(backend, models, name):
    texts = ("a red house", "a (red)1.5 house", "a red++ house", "a (red)0.3 house")
    pictures = [
        patch(backend, spec(models / name), prompt=text, prompt_weighting=True) for text in texts
    ]
    for index, one in enumerate(pictures):
        for other in pictures[:index]:
            assert painted_change(one, other) > 0.1


def test_marks_are_plain_words_without_the_switch(backend, models):
    model, text = spec(models / "sd15"), "a (red)1.5 house"
    on, off = (patch(backend, model, prompt=text, prompt_weighting=on) for on in (True, False))
    assert painted_change(on, off) > 1


def test_the_negative_prompt_is_weighted_too(backend, models):
    one, other = (
        patch(backend, spec(models / "sd15"), negative_prompt=text, prompt_weighting=True)
        for text in ("blurry", "(blurry)1.8")
    )
    assert painted_change(one, other) > 0.2


@pytest.mark.parametrize("name", MODELS)
def test_a_long_prompt_is_read_whole_and_nothing_is_said_of_it(backend, models, name):
    model = spec(models / name)
    read = generate(backend, job(model, prompt=LONG, prompt_weighting=True))
    assert read.warnings == ()
    assert "compel" in read.environment
    without_end = LONG.removesuffix(" blue house")
    other = patch(backend, model, prompt=without_end, prompt_weighting=True)
    assert painted_change(read.patches[0], other) > 0.2
    cut = generate(backend, job(model, prompt=LONG))
    assert "was not read" in cut.warnings[0]
    np.testing.assert_array_equal(cut.patches[0], patch(backend, model, prompt=without_end))


def test_weights_as_another_program_writes_them_are_told(backend, models):
    work = job(spec(models / "sd15"), prompt="a (red:1.2) cat", prompt_weighting=True)
    assert "a weight is written (red)1.2" in generate(backend, work).warnings[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a cat.swap(tree)", "has .swap"), ("a cat withLora(x, 0.5)", "names a LoRA")],
)
def test_what_would_be_left_out_is_refused(backend, models, text, sentence):
    with pytest.raises(RefusedInput, match=sentence):
        patch(backend, spec(models / "sd15"), prompt=text, prompt_weighting=True)
