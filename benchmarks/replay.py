"""Replay many edits of mixed engines in fresh processes, and count the identical ones.

    python benchmarks/replay.py [--edits 100] [--seed 0] [--threads 1]
    python benchmarks/replay.py --write-regression

The first makes edits in one process (the embedded engine in all of its modes, tiny diffusion
models of both families with a ControlNet, an engine that paints noise; sizes, modes of pictures,
masks, borders, fills, schedulers, variants and seeds drawn from `--seed`), then replays every
entry in processes that have made none of them, so many entries each as `--batch` says. A summary
is printed and written to benchmarks/output/. The second writes the log that the tests replay.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from genimg_ui.core.geometry import Sides  # noqa: E402  # found by the path above
from genimg_ui.core.request import (  # noqa: E402
    ControlUnit,
    EditRequest,
    FillMode,
    FillUnderMask,
    InpaintParams,
    MaskParams,
    SamplingParams,
)
from genimg_ui.history.names import session_id  # noqa: E402
from genimg_ui.history.record import EntryState, LogEntry  # noqa: E402
from genimg_ui.registry import load_registry  # noqa: E402
from genimg_ui.replay import Subject, replay  # noqa: E402
from tests.editing import Desk, Pixels, noise, painted, photograph, png  # noqa: E402
from tests.regression import write_regression  # noqa: E402

OUTPUT = ROOT / "benchmarks" / "output"
SESSION = session_id("0" * 32)
MODES = ("RGB", "RGB", "L", "RGBA", "LA", "I;16")
MODELS = """
models:
  sd15-inpaint: {{source: {root}/inpaint, family: sd15, native_size: 64, controls: {{canny: {root}/control}}}}
  sd15: {{source: {root}/plain, family: sd15, native_size: 64}}
  sdxl-inpaint: {{source: {root}/xl, family: sdxl, native_size: 64, controls: {{canny: {root}/xl-control}}}}
"""  # noqa: E501  # a line for each model
SAMPLERS = ("sd15-inpaint", "sd15", "sdxl-inpaint")
# How often each is drawn; together the share of its engine.
ENGINES = {"exemplar": 40, "sd15-inpaint": 15, "sd15": 12, "sdxl-inpaint": 13, "plain": 10}
ENGINES |= {"square": 10}


def open_desk(folder: Path, threads: int = 0) -> Desk:
    """The data folder of the measurement, with all engines.

    `threads` is for the edits that are made; a replay takes those of its entry.
    """
    from tests.backend import tiny_models as tiny  # noqa: PLC0415  # torch takes seconds

    if threads:
        tiny.torch.set_num_threads(threads)
    root = folder / "tiny"
    if not root.exists():
        tiny.make_sd15_inpaint(root / "inpaint")
        tiny.make_sd15(root / "plain")
        tiny.make_sd15_control(root / "control")
        tiny.make_sdxl_inpaint(root / "xl")
        tiny.make_sdxl_control(root / "xl-control")
        (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    return Desk(folder / "data", *load_registry(root / "models.yaml").all())


def draw_request(draw: random.Random) -> EditRequest:
    """One request; some of its values mean nothing to its engine, as on the page."""
    model = draw.choices(list(ENGINES), list(ENGINES.values()))[0]
    fills = [fill for fill in FillUnderMask if fill is not FillUnderMask.EXEMPLAR]
    control = model in ("sd15-inpaint", "sdxl-inpaint") and draw.random() < 0.5
    border = Sides(*(draw.choice((0, 0, draw.randrange(1, 12))) for _ in range(4)))
    return EditRequest(
        model=model,
        sampling=SamplingParams(
            prompt=draw.choice(("", "a red house", "the blue sky", "a cat on the tree")),
            negative_prompt=draw.choice(("", "blurry")),
            strength=draw.choice((1.0, 1.0, 0.8, 0.5)),
            guidance_scale=draw.choice((1.0, 4.0, 7.5)),
            num_inference_steps=draw.randrange(2, 5),
            scheduler=draw.choice(("default", "ddim", "euler_a"))
            if model in SAMPLERS
            else "default",
            seed=draw.choice((None, draw.randrange(2**32))),
            variants=draw.choice((1, 1, 1, 2)),
        ),
        mask=MaskParams(grow=draw.randrange(-1, 5), feather=draw.randrange(0, 5)),
        inpaint=InpaintParams(
            fill=draw.choice((FillUnderMask.EXEMPLAR, *fills)),
            fill_mode=draw.choice(list(FillMode)),
            only_masked=draw.random() < 0.8,
            padding=draw.randrange(4, 64),
        ),
        border=border if draw.random() < 0.4 else Sides(),
        controls=(ControlUnit(kind="canny"),) if control else (),
    )


def draw_pixels(draw: random.Random) -> tuple[bytes, Pixels | None]:
    """A source and a mask: one or two rectangles, hard or of partial strength."""
    width, height = draw.randrange(24, 140), draw.randrange(24, 120)
    mode = draw.choice(MODES)
    smooth = photograph(width, height)
    picture = noise(width, height, mode) if mode == "I;16" else smooth.convert(mode)
    if draw.random() < 0.1:
        return png(picture), None
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw.choice((1, 1, 2))):
        left, top = draw.randrange(width - 6), draw.randrange(height - 6)
        right = min(width, left + draw.randrange(5, max(6, width // 2)))
        bottom = min(height, top + draw.randrange(5, max(6, height // 2)))
        value = draw.choice((255, 255, 255, 120))
        mask = np.maximum(mask, painted(width, height, (left, top, right, bottom), value))
    return png(picture), mask


def make(folder: Path, edits: int, seed: int, threads: int) -> None:
    """Run edits until so many have ended well; those that are refused are counted."""
    desk, draw = open_desk(folder, threads), random.Random(seed)
    done: list[LogEntry] = []
    ends: Counter[str] = Counter()
    while len(done) < edits:
        entry = desk.edit(draw_request(draw), *draw_pixels(draw))
        desk.store.record(SESSION, entry)
        ends[str(entry.state)] += 1
        if entry.state is EntryState.DONE:
            done.append(entry)
        elif not entry.refused:
            raise SystemExit(f"an edit failed: {entry.error}")
    desk.close()
    facts = {
        "refused": ends["failed"],
        "results": sum(len(entry.results) for entry in done),
        "models": Counter(entry.request.model for entry in done),
        "with a mask": sum(entry.inputs.mask is not None for entry in done),
        "with a border": sum(bool(entry.request.border) for entry in done),
        "with a ControlNet": sum(bool(entry.request.controls) for entry in done),
    }
    (folder / "made.json").write_text(json.dumps([[e.id for e in done], facts]))


def replay_batch(folder: Path, ids: list[str]) -> None:
    """Replay these entries here; one JSON line for each."""
    desk = open_desk(folder)
    for entry_id in ids:
        entry = desk.store.entry(entry_id)
        outcome = replay(desk.editor, Subject(entry=entry, store=desk.store))
        told = {"verdict": outcome.verdict, "changes": outcome.changes}
        print(json.dumps({"id": entry_id, **told, "sentences": outcome.sentences()}), flush=True)
    desk.close()


def measure(flags: argparse.Namespace) -> None:
    """Make and replay in processes of their own; print and keep the summary."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [sys.executable, __file__, "--folder", name, "--threads", str(flags.threads)]
        started = time.perf_counter()
        how = ["--make", "--edits", str(flags.edits), "--seed", str(flags.seed)]
        subprocess.run([*own, *how], check=True)
        made = time.perf_counter() - started
        ids, facts = json.loads((folder / "made.json").read_text())
        verdicts: Counter[str] = Counter()
        batches = [ids[at : at + flags.batch] for at in range(0, len(ids), flags.batch)]
        for batch in batches:
            answer = subprocess.run(
                [*own, "--replay", ",".join(batch)], check=True, stdout=subprocess.PIPE, text=True
            )
            for line in answer.stdout.splitlines():
                outcome = json.loads(line)
                verdicts[outcome["verdict"]] += 1
                if outcome["verdict"] != "identical" or outcome["changes"]:
                    print(line, flush=True)
            print(f"{sum(verdicts.values())} of {len(ids)} replayed", file=sys.stderr, flush=True)
        summary = {
            "n": len(ids),
            **{name: verdicts[name] for name in ("identical", "differs", "refused")},
            "fresh processes": len(batches),
            "seconds to make": round(made),
            "seconds to replay": round(time.perf_counter() - started - made),
            "seed": flags.seed,
            "torch threads": flags.threads,
            "drawn": facts,
        }
    print(json.dumps(summary, indent=1))
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "replay.json").write_text(json.dumps(summary, indent=1) + "\n")
    raise SystemExit(0 if verdicts["identical"] == len(ids) else 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=50, help="entries for each fresh process")
    parser.add_argument("--threads", type=int, default=1, help="of torch; tiny models gain none")
    parser.add_argument("--write-regression", action="store_true")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--replay", metavar="IDS", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.write_regression:
        print(write_regression())
    elif flags.make:
        make(flags.folder, flags.edits, flags.seed, flags.threads)
    elif flags.replay:
        replay_batch(flags.folder, flags.replay.split(","))
    else:
        measure(flags)


if __name__ == "__main__":
    main()
