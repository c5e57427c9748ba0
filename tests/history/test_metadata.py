"""The entry inside a PNG: it comes back equal, other tools can read it, strangers are refused."""

import io
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genimg_ui import __version__
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.core.request import (
    EditInputs,
    EditRequest,
    FillMode,
    MaskParams,
    ResolvedRequest,
    SamplingParams,
)
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.metadata import (
    encode_result,
    entry_from_file,
    entry_from_json,
    parameters_text,
    record_of,
)
from genimg_ui.history.record import EntryState, LogEntry, PlanRecord, ResultRecord, ResultReport
from genimg_ui.history.seed_log import entry_line, read_line
from tests.core.picture_files import with_chunk

PICTURE = Picture(np.arange(60, dtype=np.uint8).reshape(4, 5, 3), dpi=(300.0, 300.0))


def entry(prompt="a red door", *, scheduler="euler_a", negative="blurry"):
    request = EditRequest(
        model="sd15-inpaint",
        sampling=SamplingParams(
            prompt=prompt,
            negative_prompt=negative,
            strength=0.75,
            guidance_scale=7.5,
            num_inference_steps=24,
            variants=2,
        ),
        mask=MaskParams(grow=3, feather=9),
        border=Sides(right=16),
    )
    report = ResultReport(
        changed_outside=0,
        pixels_outside=12,
        changed_inside=8,
        pixels_inside=8,
        seam=1.02,
        colour_shift=0.7,
    )
    return LogEntry(
        id="e1",
        created="2026-01-02T03:04:05.678+00:00",
        state=EntryState.DONE,
        request=request,
        inputs=EditInputs(source="5" * 64, mask="6" * 64),
        resolved=ResolvedRequest(
            request=request, seeds=(41, 42), scheduler=scheduler, fill_mode=FillMode.EXTEND
        ),
        plan=PlanRecord(canvas=Size(640, 480), box=Box(0, 0, 64, 64), working=Size(512, 512)),
        results=tuple(
            ResultRecord(sha256="f" * 64, pixels_sha256=str(seed) * 32, seed=seed, report=report)
            for seed in (41, 42)
        ),
        facts={"device": "cpu"},
        timings={"stitch": 0.25},
        warnings=("Soft.",),
    )


def stored(given_entry, index=0):
    buffer = io.BytesIO()
    encode_result(buffer, PICTURE, given_entry, index)
    return buffer.getvalue()


def png_with(text):
    return encode_png(PICTURE, {"genimg_ui": text})


@pytest.mark.parametrize("index", [0, 1])
def test_the_entry_of_one_result_comes_back_without_the_files_own_digest(index, tmp_path):
    file = tmp_path / "result.png"
    file.write_bytes(stored(entry(), index))
    own = replace(entry().results[index], sha256="")
    assert entry_from_file(file) == replace(entry(), results=(own,))
    assert own.seed == 41 + index and own.pixels_sha256


def test_the_pixels_and_resolution_of_the_picture_are_in_the_file():
    image = Image.open(io.BytesIO(stored(entry())))
    assert np.array_equal(np.asarray(image), PICTURE.pixels)
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_prompt_survives(prompt, negative):
    given_entry = entry(prompt.replace("\0", ""), negative=negative)
    try:
        (prompt + negative).encode()
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert entry_from_file(stored(given_entry)).request == given_entry.request


def test_parameters_are_in_the_form_that_other_tools_read():
    text = record_of(entry(), 1).parameters
    assert text == (
        "a red door\n"
        "Negative prompt: blurry\n"
        "Steps: 24, Sampler: Euler a, CFG scale: 7.5, Seed: 42, Size: 640x480, "
        f"Model: sd15-inpaint, Denoising strength: 0.75, Mask blur: 9, "
        f"Version: genimg_ui {__version__}"
    )
    assert Image.open(io.BytesIO(stored(entry(), 1))).text["parameters"] == text


def test_an_engine_without_sampler_names_no_steps():
    text = parameters_text(replace(entry(scheduler="", negative=""), plan=None), seed=7)
    assert text == (
        f"a red door\nSeed: 7, Model: sd15-inpaint, Mask blur: 9, Version: genimg_ui {__version__}"
    )


def test_a_value_that_would_break_the_line_is_quoted():
    odd = replace(entry(), request=replace(entry().request, model='C:\\a, "b"'))
    assert ', Model: "C:\\\\a, \\"b\\"", ' in parameters_text(odd, seed=1)


def test_only_existing_results_can_be_written():
    with pytest.raises(ValueError, match=r"index must be in \[0, 2\), got 2"):
        record_of(entry(), 2)


def test_a_png_without_entry_is_refused():
    with pytest.raises(RefusedInput, match="must carry the entry of an edit, got none"):
        entry_from_file(encode_png(PICTURE, {"parameters": "x"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ('{"schema": NaN}', "must be JSON"),
        ("[1]", "must be a JSON object, got list"),
        ("{}", r"schema must be in \[1, 2\], got 'None'"),
        ('{"schema": 3}', r"schema must be in \[1, 2\], got '3'"),
        ('{"schema": true}', r"schema must be in \[1, 2\]"),
        ('{"schema": "1"}', r"schema must be in \[1, 2\]"),
        ('{"schema": 1}', "not one of this program's"),
        ('{"schema": 1, "session": "x"}', "unknown key 'session'"),
        ("9" * 1_000_001, "at most 1000000 characters"),
    ],
)
def test_a_hostile_entry_is_refused(text, said):
    with pytest.raises(RefusedInput, match=said):
        entry_from_file(png_with(text))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("request", "border"), ["a", 0, 0, 0]),
        (("request", "border"), {}),
        (("plan", "box"), [0.5, 0, 1, 1]),
        (("plan", "canvas"), [True, 1]),
        (("request", "sampling", "strength"), "1"),
        (("state",), "finished"),
        (("results",), [None]),
        (("timings",), 5),
    ],
)
def test_a_wrong_value_anywhere_is_refused(path, value):
    data = json.loads(json.dumps(to_json(entry())))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(RefusedInput, match="not one of this program's"):
        entry_from_json(data)


@pytest.mark.parametrize("name", ["../../tmp/evil", "", ".", "a/b", "a\\b", "é", "a" * 65, "a\n"])
def test_an_id_that_could_name_a_path_is_refused(name):
    data = to_json(replace(entry(), id=name))
    with pytest.raises(
        RefusedInput, match="An entry's id must be 1 to 64 letters, digits, - and _"
    ):
        entry_from_json(data)
    with pytest.raises(RefusedInput, match="An entry's id must be"):
        entry_from_file(stored(replace(entry(), id=name)))
    with pytest.raises(ValueError, match="An entry's id must be"):
        read_line(json.dumps(data))


@pytest.mark.parametrize("name", ["exemplar-auto", "0123456789abcdef", "f" * 32, "my_Edit-2"])
def test_an_id_of_letters_and_digits_is_taken(name):
    named = replace(entry(), id=name)
    assert entry_from_json(to_json(named)) == named == read_line(entry_line(named))


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_packed_entry_that_swells_is_refused(kind):
    head = b"genimg_ui\0\0" if kind == b"zTXt" else b"genimg_ui\0\1\0\0\0"
    bomb = head + zlib.compress(b'{"a":"' + b"x" * 200_000_000 + b'"}')
    with pytest.raises(RefusedInput, match="at most 1000000 bytes, got more under 'genimg_ui'"):
        entry_from_file(with_chunk(encode_png(PICTURE), kind, bomb))


def test_what_is_quoted_of_a_strangers_value_is_short():
    data = json.loads(json.dumps(to_json(entry())))
    data["state"] = "<script>" * 50_000
    with pytest.raises(RefusedInput) as refused:
        entry_from_json(data)
    assert len(str(refused.value)) < 400
