"""The entry inside a result's PNG: written as text chunks, read back as the claim of a stranger.

Two key words: `genimg_ui` holds the whole entry as JSON; `parameters` holds the text form of
Automatic1111's web UI, which many other tools read. The file's own sha256 cannot stand inside the
file, so the results of that JSON have `sha256` "", while `seed` and `pixels_sha256` are set; when
an entry has several results, the PNG of one carries that one alone. No session key is written.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from genimg_ui import __version__
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import write_png
from genimg_ui.core.pngchunks import MAX_TEXT, read_png_text
from genimg_ui.core.serial import Json, from_json, to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.migrations import migrate
from genimg_ui.history.record import LogEntry

ENTRY_KEY = "genimg_ui"
PARAMETERS_KEY = "parameters"


def encode_result(file: BinaryIO, picture: Picture, entry: LogEntry, index: int = 0) -> None:
    """Write result `index` of `entry` as PNG, with the entry inside it."""
    write_png(file, picture, png_text(entry, index))


def png_text(entry: LogEntry, index: int = 0) -> dict[str, str]:
    """The texts of the PNG that shows result `index`."""
    if not 0 <= index < len(entry.results):
        raise ValueError(f"index must be in [0, {len(entry.results)}), got {index}")
    own = replace(entry.results[index], sha256="")
    inside = to_json(replace(entry, results=(own,)))
    return {
        ENTRY_KEY: json.dumps(inside, ensure_ascii=True, separators=(",", ":")),
        PARAMETERS_KEY: parameters_text(entry, seed=own.seed),
    }


def parameters_text(entry: LogEntry, *, seed: int) -> str:
    """Prompt, negative prompt and one line of settings, as Automatic1111 writes them.

    Sampler, steps and CFG are left out where the engine has no sampler.
    """
    request, resolved = entry.request, entry.resolved
    sampling = request.sampling if resolved is None else resolved.request.sampling
    settings: dict[str, object] = {}
    if resolved is not None and resolved.scheduler:
        settings["Steps"] = sampling.num_inference_steps
        settings["Sampler"] = resolved.scheduler
        settings["CFG scale"] = f"{sampling.guidance_scale:g}"
    settings["Seed"] = seed
    if entry.plan is not None:
        settings["Size"] = f"{entry.plan.canvas.width}x{entry.plan.canvas.height}"
    settings["Model"] = request.model
    if resolved is not None and resolved.scheduler:
        settings["Denoising strength"] = f"{sampling.strength:g}"
    settings["Mask blur"] = request.mask.feather
    settings["Version"] = f"genimg_ui {__version__}"
    lines = [sampling.prompt]
    if sampling.negative_prompt:
        lines.append(f"Negative prompt: {sampling.negative_prompt}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items()))
    return "\n".join(lines).replace("\0", "")


def _quoted(value: object) -> str:
    """A JSON string where a comma, colon or line end would break the line (their convention)."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text


def entry_from_png(source: bytes | Path) -> LogEntry:
    """The entry that a result carries; raises RefusedInput where there is none to be trusted.

    Its `results` have an empty `sha256`: the reader fills in that of the file in hand.
    """
    text = read_png_text(source, keys=frozenset({ENTRY_KEY})).get(ENTRY_KEY)
    if text is None:
        raise RefusedInput(
            f"The PNG must carry an entry under {ENTRY_KEY!r}, got none.",
            remedy="Take a result exactly as this program stored it; many services strip texts.",
        )
    if len(text) > MAX_TEXT:
        raise RefusedInput(f"An entry must have at most {MAX_TEXT} characters, got {len(text)}.")
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"The entry in the PNG must be JSON, got broken text ({error}).") from (
            error
        )
    return entry_from_json(data)


def entry_from_json(data: Json) -> LogEntry:
    """Build an entry of any known schema; raises RefusedInput that names the field."""
    try:
        entry = from_json(LogEntry, migrate(data), "entry")
        _check_numbers(entry)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RefusedInput(f"The entry is not one of this program's: {error}.") from error
    return entry


def _check_numbers(entry: LogEntry) -> None:
    """Named tuples of pixels must hold whole numbers, whatever the JSON held."""
    tuples: list[Sides | Size | Box] = [entry.request.border]
    if entry.resolved is not None:
        tuples.append(entry.resolved.request.border)
    if entry.plan is not None:
        tuples += [entry.plan.canvas, entry.plan.box, entry.plan.working]
    for numbers in tuples:
        if any(type(number) is not int for number in numbers):
            kind = type(numbers).__name__
            raise ValueError(f"{kind} must hold whole numbers, got {tuple(numbers)!r}"[:200])


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")
