"""The `parameters` text, held against an independent reader: the same values come out."""

import io
from dataclasses import replace

import pytest
from PIL import Image
from sd_parsers import ParserManager

from genimg_ui.exporting.formats import ExportOptions, Format
from genimg_ui.exporting.plain import write_picture
from genimg_ui.history.metadata import Record, encode_result, record_of
from genimg_ui.history.parameters import SAMPLERS, parameters_text
from genimg_ui.history.record import LogEntry
from tests.history.test_metadata import PICTURE, entry

PROMPTS = [
    "a red door",
    "wide: 3, tall, Steps: 5, Sampler: none",
    "two\nlines, Seed: 1",
    "黒い扉, <b>été</b> & 100 %",
]


def read(data: bytes) -> dict[str, object]:
    """What the reader says of the only sampler, with the prompts and the size."""
    with Image.open(io.BytesIO(data)) as image:
        found = ParserManager().parse(image)
    assert found is not None
    [sampler] = found.samplers
    return {
        "sampler": sampler.name,
        "prompts": [prompt.value for prompt in sampler.prompts],
        "negative": [prompt.value for prompt in sampler.negative_prompts],
        "model": sampler.model and sampler.model.name,
        "size": found.metadata["Size"],
        **{name: sampler.parameters[name] for name in ("steps", "seed", "cfg_scale")},
    }


def written(form: Format, record: Record) -> bytes:
    buffer = io.BytesIO()
    write_picture(buffer, PICTURE, ExportOptions(format=form), record)
    return buffer.getvalue()


@pytest.mark.parametrize("form", [Format.PNG, Format.WEBP, Format.JPEG])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_another_reader_finds_the_same_values(form: Format, prompt: str) -> None:
    assert read(written(form, record_of(entry(prompt), 1))) == {
        "sampler": "Euler a",
        "prompts": [prompt],
        "negative": ["blurry"],
        "model": "sd15-inpaint",
        "size": "640x480",
        "steps": "24",
        "seed": "42",
        "cfg_scale": "7.5",
    }


def with_scheduler(name: str) -> LogEntry:
    given = entry()
    assert given.resolved is not None
    return replace(given, resolved=replace(given.resolved, scheduler=name))


@pytest.mark.parametrize("name", [*SAMPLERS, "ddpm"])
def test_every_sampler_is_named_as_the_web_ui_does(name: str) -> None:
    buffer = io.BytesIO()
    encode_result(buffer, PICTURE, with_scheduler(name))
    assert read(buffer.getvalue())["sampler"] == SAMPLERS.get(name, (name, ""))[0]


def test_no_two_samplers_get_the_same_name() -> None:
    assert len(set(SAMPLERS.values())) == len(SAMPLERS)


def test_a_schedule_has_a_name_of_its_own() -> None:
    text = parameters_text(with_scheduler("dpmpp_2m_karras"), seed=1)
    assert "Sampler: DPM++ 2M, Schedule type: Karras, " in text


def test_what_no_file_can_hold_is_replaced() -> None:
    text = parameters_text(entry("a\0b \ud800"), seed=1)
    assert text.startswith("ab ?\n")
    text.encode()
