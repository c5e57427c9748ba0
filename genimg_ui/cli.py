"""The command line: the editor without its page. Names and options are a public contract.

Exit 0 done, 2 refused input (a sentence on stderr), 1 failure. `replay` exits 1 where pixels
differ, and 3 for a failure.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from genimg_ui.commands import (
    edits,
    evaluations,
    files,
    logs,
    measuring,
    models,
    replays,
    sweeps,
)
from genimg_ui.commands.adapters import add_adapter_flags
from genimg_ui.commands.controls import add_control_flags
from genimg_ui.core.blank import Colour, parse_colour
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import (
    ColourMatch,
    FillMode,
    FillUnderMask,
    InpaintParams,
    MaskParams,
    PassParams,
    Region,
    SamplingParams,
)
from genimg_ui.core.speed import StepCache
from genimg_ui.core.tasks import UPSCALES
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.settings import add_export_flags, add_memory_flag, default_data_dir

DONE, FAILURE, REFUSED = 0, 1, 2
log = logging.getLogger(__name__)
DEFAULT_MODELS = Path(__file__).parent.parent / "models.yaml"


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    flags = _parser().parse_args(arguments)
    try:
        status = int(flags.run(flags))
        sys.stdout.flush()  # here, where a reader that has gone is no error
        return status
    except BrokenPipeError:
        return _reader_gone()
    except RefusedInput as problem:
        print(problem, file=sys.stderr)
        return REFUSED
    except GenimgError as problem:
        print(problem, file=sys.stderr)
        return int(flags.failure)
    except Exception as problem:
        log.exception("the command failed")
        what = f"{type(problem).__name__}: {problem}"
        print(f"The command failed unexpectedly ({what}).", file=sys.stderr)
        return int(flags.failure)


def _reader_gone() -> int:
    """Whoever read what is printed wanted no more of it, as `head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m genimg_ui", description=__doc__)
    parser.set_defaults(failure=FAILURE)
    names = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_edit(names.add_parser("edit", help="paint under a mask, or outwards"))
    models.add_model_commands(names)
    logs.add_log_commands(names)
    replay = names.add_parser(
        "replay",
        help="run an entry again and compare the pixels",
        epilog=replays.ENDINGS,
    )
    replay.add_argument("entry", nargs="?", metavar="ENTRY-ID|RESULT.png|BUNDLE.zip")
    replay.add_argument("--all", metavar="LOG.jsonl|SESSION-ID", help="every entry of a log")
    replay.add_argument("--heatmap", type=Path, metavar="DIR", help="show there where it differs")
    replay.set_defaults(run=replays.replay, failure=replays.FAILURE)
    bundle = names.add_parser("bundle", help="write everything that an edit needs into one ZIP")
    bundle.add_argument("entry", metavar="ENTRY-ID|RESULT.png")
    bundle.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    bundle.set_defaults(run=replays.bundle)
    files.add_file_commands(names)
    sweeps.add_run_commands(names, _add_request)
    evaluations.add_evaluation_command(names)
    measuring.add_measure_command(names)
    for name, command in names.choices.items():
        # There, --models are ids, and both are started alike.
        file_flag = "--models-file" if name in ("evaluate", "measure") else "--models"
        command.add_argument("--data-dir", type=Path, default=default_data_dir(os.environ))
        command.add_argument(
            file_flag, dest="models", type=Path, default=DEFAULT_MODELS, metavar="FILE"
        )
        command.add_argument("--json", action="store_true", help="print one JSON object")
        add_memory_flag(command, os.environ)
    return parser


def _add_edit(edit: argparse.ArgumentParser) -> None:
    _add_request(edit)
    edit.add_argument("--out", type=Path, required=True, metavar="RESULT.png")
    edit.add_argument("--accept-licence", action="store_true", help="of a non-commercial model")
    add_export_flags(edit, os.environ)
    edit.set_defaults(run=edits.edit)


def _add_request(edit: argparse.ArgumentParser) -> None:
    sampling, mask, inpaint = SamplingParams(), MaskParams(), InpaintParams()
    add = edit.add_argument
    add("source", type=Path, nargs="?", metavar="SOURCE")
    _add_task(edit)
    add("--mask", type=Path, metavar="MASK.png")
    add("--border", type=_border, default=Sides(), metavar="L,T,R,B", help="pixels")
    add("--model", metavar="ID")
    add("--prompt", default=sampling.prompt)
    add("--negative-prompt", default=sampling.negative_prompt)
    add("--strength", type=float)
    add("--guidance-scale", type=float)
    add("--true-cfg-scale", type=float)
    add("--guidance-end", type=float, help="share of the steps after which CFG stops")
    add("--step-cache", type=_choice(StepCache), metavar="NAME", help="of a transformer")
    add("--step-cache-threshold", type=float, help="how large a change still counts as small")
    add("--refiner-switch-at", type=float, help="share of the steps before the refiner")
    add("--steps", type=int)
    add("--scheduler", default=sampling.scheduler)
    add("--seed", type=int)
    add("--variants", type=int, default=sampling.variants)
    add("--grow", type=int, default=mask.grow, metavar="PX")
    add("--feather", type=int, default=mask.feather, metavar="PX")
    add("--fill", type=_choice(FillUnderMask), default=inpaint.fill, metavar="NAME")
    add("--fill-mode", type=_choice(FillMode), default=inpaint.fill_mode, metavar="NAME")
    add("--padding", type=int, default=inpaint.padding, metavar="PX")
    add("--whole-picture", action="store_true", help="let the engine see everything")
    add("--context-box", type=_box, metavar="L,T,R,B", help="what the engine sees, in pixels")
    add("--colour-match", type=_choice(ColourMatch), metavar="NAME", help="else the model's own")
    add("--anchor-step-noise", action=argparse.BooleanOptionalAction, default=True)
    add("--anchor-context", action=argparse.BooleanOptionalAction, default=True)
    add_control_flags(edit)
    add_adapter_flags(edit)


def _add_task(edit: argparse.ArgumentParser) -> None:
    add = edit.add_argument
    add("--new", type=_size, metavar="WxH", help="begin with an empty canvas instead of SOURCE")
    add("--colour", type=_colour, default="#808080", metavar="#RRGGBB", help="of that canvas")
    add("--region", type=_choice(Region), metavar="NAME", help="mask, or whole: everything")
    add("--upscale", type=int, choices=UPSCALES, default=1, help="enlarge so many times")
    add("--one-pass", action="store_true", help="paint large borders in one look")
    add("--overlap", type=int, default=PassParams().overlap, metavar="PX", help="of passes")


def _size(text: str) -> Size:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be WIDTHxHEIGHT in pixels, got {text!r}")
    return Size(int(width), int(height))


def _colour(text: str) -> Colour:
    try:
        return parse_colour(text)
    except RefusedInput as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _border(text: str) -> Sides:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"must be four whole numbers L,T,R,B, got {text!r}")
    return Sides(*(int(part) for part in parts))


def _box(text: str) -> Box:
    try:
        left, top, right, bottom = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be four whole numbers L,T,R,B, got {text!r}"
        ) from None
    return Box(left, top, right, bottom)


def _choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must be one of {', '.join(kind)}, got {text!r}"
            ) from None

    return read
