"""What each command of the command line does; `flags` is what `cli` parsed."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.commands.adapters import adapter_notes, added_to
from genimg_ui.commands.controls import units_of
from genimg_ui.commands.workbench import Workbench
from genimg_ui.core.blank import blank_png
from genimg_ui.core.image import Limits, decode, decode_mask, stored_limits
from genimg_ui.core.mask import mask_box
from genimg_ui.core.request import (
    EditInputs,
    EditRequest,
    InpaintParams,
    MaskParams,
    PassParams,
    Region,
    SamplingParams,
)
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import Json, to_json
from genimg_ui.core.speed import SpeedParams
from genimg_ui.credentials.reading import Verdict
from genimg_ui.errors import BackendError, GenimgError, RefusedInput
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png
from genimg_ui.registry import ModelSpec
from genimg_ui.settings import export_policy

DONE, FAILURE, REFUSED = 0, 1, 2


def edit(flags: argparse.Namespace) -> int:
    """Run one edit and copy its results to --out; variants get -2, -3, ... before the suffix."""
    started = time.perf_counter()
    _check_out(flags.out)
    with Workbench(flags) as place:
        spec = place.registry.get(flags.model or place.registry.default)
        if flags.accept_licence:
            place.licences.accept(spec)
        request = request_of(flags, spec, place.store)
        inputs = inputs_of(flags, place.store)
        with cancelled_by_interrupt() as cancel:
            entry = place.editor.apply(request, inputs, on_event=say(flags), cancel=cancel)
        place.store.record(place.session, entry)
        if entry.state is not EntryState.DONE:
            raise _as_error(entry)
        policy = export_policy(flags, public=False)
        paths, verdicts = _write_results(place.store, entry, flags.out, policy)
    signed = {verdict.sentence: None for verdict in verdicts}
    notes = (*entry.warnings, *_unused(flags, spec), *adapter_notes(request, spec), *signed)
    _print_edit(replace(entry, warnings=notes), paths, time.perf_counter() - started, flags)
    return DONE


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise RefusedInput(f"--out must name a .png file, got {out.name!r}.")
    if not out.parent.is_dir():
        raise RefusedInput(f"--out must lie in a folder that exists, got {out}.")


def request_of(flags: argparse.Namespace, spec: ModelSpec, store: Store) -> EditRequest:
    """The request that the flags of an edit mean; ready control maps are kept in the store."""
    whole = flags.new is not None or flags.upscale > 1
    region = flags.region or (Region.WHOLE if whole else Region.MASK)
    request = EditRequest(
        model=spec.id,
        sampling=SamplingParams(
            prompt=flags.prompt,
            negative_prompt=flags.negative_prompt,
            strength=_given(flags.strength, 1.0 if flags.new else spec.default_strength),
            guidance_scale=_given(flags.guidance_scale, spec.usual_guidance_scale),
            true_cfg_scale=_given(flags.true_cfg_scale, spec.default_true_cfg_scale),
            refiner_switch_at=_given(flags.refiner_switch_at, SamplingParams().refiner_switch_at),
            num_inference_steps=int(_given(flags.steps, spec.default_steps)),
            scheduler=flags.scheduler,
            seed=flags.seed,
            variants=flags.variants,
            anchor_step_noise=flags.anchor_step_noise,
        ),
        mask=MaskParams(grow=flags.grow, feather=flags.feather),
        inpaint=InpaintParams(
            fill=flags.fill,
            fill_mode=flags.fill_mode,
            padding=flags.padding,
            only_masked=not flags.whole_picture,
            box=flags.context_box,
            colour_match=flags.colour_match or spec.default_colour_match,
            anchor_context=flags.anchor_context,
        ),
        border=flags.border,
        speed=_speed_of(flags),
        controls=units_of(flags, store),
        region=region,
        upscale=flags.upscale,
        passes=PassParams(progressive=not flags.one_pass, overlap=flags.overlap),
    )
    return added_to(request, flags, spec, store)


def _given(value: float | None, default: float) -> float:
    return default if value is None else value


def _speed_of(flags: argparse.Namespace) -> SpeedParams:
    usual = SpeedParams()
    return SpeedParams(
        guidance_end=usual.guidance_end if flags.guidance_end is None else flags.guidance_end,
        step_cache=flags.step_cache or usual.step_cache,
        step_cache_threshold=flags.step_cache_threshold,
    )


def source_of(flags: argparse.Namespace) -> Path | bytes:
    """The picture to begin with: the file that is named, or a new canvas; raises RefusedInput."""
    if (flags.source is None) == (flags.new is None):
        raise RefusedInput("Name a picture, or a new canvas by --new WxH: one of the two.")
    if flags.new is None:
        return _existing(flags.source)
    return blank_png(flags.new, flags.colour, most_pixels=Limits().max_pixels)


def inputs_of(flags: argparse.Namespace, store: Store) -> EditInputs:
    """Source and mask of the flags, kept in the store; raises RefusedInput."""
    picture = source_of(flags)
    source = decode(picture)
    mask = None
    if flags.mask is not None:
        painted = decode_mask(_existing(flags.mask))
        if painted.shape != (source.size.height, source.size.width):
            height, width = painted.shape
            raise RefusedInput(
                f"The mask must be as large as the picture ({source.size}), got {width}×{height}."
            )
        mask = store.put_mask(mask_png(painted)) if mask_box(painted) else None
    return EditInputs(source=store.put_source(picture), mask=mask)


def _unused(flags: argparse.Namespace, spec: ModelSpec) -> list[str]:
    """A sentence for what was asked of a model that does not use it."""
    given = {
        "--prompt": (flags.prompt, spec.uses_prompt),
        "--negative-prompt": (
            flags.negative_prompt,
            spec.uses_prompt and spec.uses_negative_prompt,
        ),
        "--strength": (flags.strength is not None, spec.uses_strength),
        "--guidance-scale": (flags.guidance_scale is not None, spec.uses_guidance),
        "--refiner-switch-at": (flags.refiner_switch_at is not None, spec.refiner),
        "--true-cfg-scale": (flags.true_cfg_scale is not None, spec.uses_true_cfg),
        "--steps": (flags.steps is not None, spec.uses_steps),
        "--scheduler": (flags.scheduler != SamplingParams().scheduler, spec.schedulers),
        "--colour-match": (flags.colour_match is not None, spec.uses_colour_match),
        "--fill": (flags.fill is not InpaintParams().fill, spec.uses_fill),
    }
    names = [name for name, (asked, used) in given.items() if asked and not used]
    return [f"{spec.title} does not use {', '.join(names)}."] if names else []


@contextmanager
def cancelled_by_interrupt() -> Iterator[CancelToken]:
    """Ctrl+C ends the edit at its next step, to be logged; a second one ends the program."""
    cancel = CancelToken()

    def stop(*_: object) -> None:
        cancel.cancel()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RefusedInput(f"There is no file {path}.")
    return path


def say(flags: argparse.Namespace) -> OnEvent:
    """Tells progress where a person sees it."""
    quiet = flags.json or not sys.stderr.isatty()

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Progress) and not quiet:
            print(f"\r{event.fraction:4.0%} {event.text:<40}", end="", file=sys.stderr, flush=True)

    return on_event


def _as_error(entry: LogEntry) -> GenimgError:
    """The entry's end as the error that decides the exit status."""
    kind = RefusedInput if entry.refused else BackendError
    return kind(entry.error or f"The edit was {entry.state}.")


def _write_results(
    store: Store, entry: LogEntry, out: Path, policy: ExportPolicy
) -> tuple[list[Path], list[Verdict]]:
    exporter = Exporter(store, stored_limits(Limits(), Bounds()), policy)
    paths = [
        out if index == 0 else out.with_stem(f"{out.stem}-{index + 1}")
        for index in range(len(entry.results))
    ]
    options = ExportOptions(record=policy.record)
    made = [exporter.export(entry, index, options, path) for index, path in enumerate(paths)]
    return paths, [one.verdict for one in made if one.verdict is not None]


def _print_edit(
    entry: LogEntry, paths: list[Path], seconds: float, flags: argparse.Namespace
) -> None:
    pairs = list(zip(paths, entry.results, strict=True))
    report = entry.results[0].report
    if flags.json:
        results: Json = [
            {"path": str(path), "seed": r.seed, "sha256": r.sha256, "report": to_json(r.report)}
            for path, r in pairs
        ]
        summary = {
            "results": results,
            "entry": entry.id,
            "report": to_json(report),
            "warnings": list(entry.warnings),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(summary))
        return
    for path, record in pairs:
        outside = f"{record.report.changed_outside} of {record.report.pixels_outside}"
        print(f"{path}  seed {record.seed}  changed outside the mask: {outside}")
    for sentence in entry.warnings:
        print(f"note: {sentence}", file=sys.stderr)
