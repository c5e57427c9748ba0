"""What each command of the command line does; `flags` is what `cli` parsed."""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.image import decode, decode_mask
from genimg_ui.core.mask import mask_box
from genimg_ui.core.request import (
    EditInputs,
    EditRequest,
    InpaintParams,
    MaskParams,
    SamplingParams,
)
from genimg_ui.core.serial import Json, to_json
from genimg_ui.editor import Editor
from genimg_ui.errors import BackendError, GenimgError, RefusedInput, StorageError
from genimg_ui.history.names import session_id
from genimg_ui.history.private import PrivateSecret
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png
from genimg_ui.registry import ModelSpec, Registry, availability, load_registry
from genimg_ui.replay import entry_named
from genimg_ui.replay import replay as run_again

DONE, FAILURE, REFUSED = 0, 1, 2


def edit(flags: argparse.Namespace) -> int:
    """Run one edit and copy its results to --out; variants get -2, -3, ... before the suffix."""
    started = time.perf_counter()
    _check_out(flags.out)
    with _Workplace(flags) as place:
        spec = place.registry.get(flags.model or place.registry.default)
        request = _request(flags, spec)
        inputs = _inputs(flags, place.store)
        with _cancelled_by_interrupt() as cancel:
            entry = place.editor.apply(request, inputs, on_event=_say(flags), cancel=cancel)
        place.store.record(place.session, entry)
        if entry.state is not EntryState.DONE:
            raise _as_error(entry)
        paths = _copy_results(place.store, entry, flags.out)
    notes = (*entry.warnings, *_unused(flags, spec))
    _print_edit(replace(entry, warnings=notes), paths, time.perf_counter() - started, flags)
    return DONE


def models(flags: argparse.Namespace) -> int:
    """List the models, and say of each whether it can be used here."""
    registry = load_registry(flags.models)
    rows = [(spec, availability(spec)) for spec in registry.all()]
    if flags.json:
        print(json.dumps({"models": [{**to_json(s), "unavailable": lack} for s, lack in rows]}))
        return DONE
    for spec, lack in rows:
        default = " (default)" if spec.id == registry.default else ""
        print(f"{spec.id}{default}: {spec.title} [{spec.licence}]")
        print(f"    {lack or 'ready'}")
    return DONE


def log(flags: argparse.Namespace) -> int:
    """Print the entries of one session, or of all."""
    store = Store.open(flags.data_dir)
    entries = list(store.entries(flags.session))
    store.close()
    if flags.json:
        print(json.dumps({"entries": [to_json(entry) for entry in entries]}))
        return DONE
    for entry in entries:
        seeds = ", ".join(str(record.seed) for record in entry.results) or "no result"
        words = entry.error or entry.request.sampling.prompt
        print(
            f"{entry.created}  {entry.id}  {entry.state}  {entry.request.model}  {seeds}  {words}"
        )
    return DONE


def replay(flags: argparse.Namespace) -> int:
    """Run an entry again; 0 only where every pixel is the same."""
    with _Workplace(flags) as place:
        named = entry_named(place.store, flags.entry)
        outcomes = run_again(place.editor, place.store, named)
    identical = all(outcome.identical for outcome in outcomes)
    if flags.json:
        results = to_json(outcomes)
        print(json.dumps({"entry": named.entry.id, "identical": identical, "results": results}))
    else:
        print("\n".join(outcome.sentence for outcome in outcomes))
    return DONE if identical else FAILURE


class _Workplace:
    """Store, models and editor of one command."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self.registry: Registry = load_registry(flags.models)
        os.environ.setdefault("NUMBA_CACHE_DIR", str(flags.data_dir / "cache" / "numba"))
        self.store = Store.open(flags.data_dir)
        self.editor = Editor(self.store, self.registry, BackendPool())
        # All edits of the command line share one seed log, to which no page can find the key.
        key = PrivateSecret(flags.data_dir).derive("command line", "session")
        self.session = session_id(key)

    def __enter__(self) -> "_Workplace":
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


def _check_out(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise RefusedInput(f"--out must name a .png file, got {out.name!r}.")
    if not out.parent.is_dir():
        raise RefusedInput(f"--out must lie in a folder that exists, got {out}.")


def _request(flags: argparse.Namespace, spec: ModelSpec) -> EditRequest:
    def given(value: float | None, default: float) -> float:
        return default if value is None else value

    return EditRequest(
        model=spec.id,
        sampling=SamplingParams(
            prompt=flags.prompt,
            negative_prompt=flags.negative_prompt,
            strength=given(flags.strength, spec.default_strength),
            guidance_scale=given(flags.guidance_scale, spec.default_guidance_scale),
            num_inference_steps=int(given(flags.steps, spec.default_steps)),
            scheduler=flags.scheduler,
            seed=flags.seed,
            variants=flags.variants,
        ),
        mask=MaskParams(grow=flags.grow, feather=flags.feather),
        inpaint=InpaintParams(
            fill=flags.fill,
            fill_mode=flags.fill_mode,
            padding=flags.padding,
            only_masked=not flags.whole_picture,
        ),
        border=flags.border,
        controls=tuple(flags.control),
    )


def _inputs(flags: argparse.Namespace, store: Store) -> EditInputs:
    source = decode(_existing(flags.source))
    mask = None
    if flags.mask is not None:
        painted = decode_mask(_existing(flags.mask))
        if painted.shape != (source.size.height, source.size.width):
            height, width = painted.shape
            raise RefusedInput(
                f"The mask must be as large as the picture ({source.size}), got {width}×{height}."
            )
        mask = store.put_mask(mask_png(painted)) if mask_box(painted) else None
    return EditInputs(source=store.put_source(flags.source), mask=mask)


def _unused(flags: argparse.Namespace, spec: ModelSpec) -> list[str]:
    """A sentence for what was asked of a model that does not use it."""
    given = {
        "--prompt": (flags.prompt, spec.uses_prompt),
        "--negative-prompt": (flags.negative_prompt, spec.uses_prompt),
        "--strength": (flags.strength is not None, spec.uses_strength),
        "--guidance-scale": (flags.guidance_scale is not None, spec.uses_guidance),
        "--steps": (flags.steps is not None, spec.uses_steps),
        "--scheduler": (flags.scheduler != SamplingParams().scheduler, spec.schedulers),
        "--fill": (flags.fill is not InpaintParams().fill, spec.uses_fill),
    }
    names = [name for name, (asked, used) in given.items() if asked and not used]
    return [f"{spec.title} does not use {', '.join(names)}."] if names else []


@contextmanager
def _cancelled_by_interrupt() -> Iterator[CancelToken]:
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


def _say(flags: argparse.Namespace) -> OnEvent:
    quiet = flags.json or not sys.stderr.isatty()

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Progress) and not quiet:
            print(f"\r{event.fraction:4.0%} {event.text:<40}", end="", file=sys.stderr, flush=True)

    return on_event


def _as_error(entry: LogEntry) -> GenimgError:
    """The entry's end as the error that decides the exit status."""
    kind = RefusedInput if entry.refused else BackendError
    return kind(entry.error or f"The edit was {entry.state}.")


def _copy_results(store: Store, entry: LogEntry, out: Path) -> list[Path]:
    paths = []
    for index, record in enumerate(entry.results):
        path = out if index == 0 else out.with_stem(f"{out.stem}-{index + 1}")
        unfinished = path.with_name(f".{path.name}.part")
        try:
            shutil.copyfile(store.result_path(record.sha256), unfinished)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise StorageError(f"{path} could not be written: {error.strerror}.") from error
        paths.append(path)
    return paths


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
