"""The command `evaluate`: models measured by a protocol, and held against an earlier result.

The metrics are imported by name when an evaluation begins, because torch is behind them.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from genimg_ui.commands.edits import DONE, FAILURE, cancelled_by_interrupt
from genimg_ui.commands.workbench import Workbench
from genimg_ui.core.serial import Json, to_json
from genimg_ui.core.tasks import Task
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.evaluation.baselines import ENGINE, with_baselines
from genimg_ui.evaluation.folder import REPORT
from genimg_ui.evaluation.gate import read_tolerances
from genimg_ui.evaluation.protocol import Protocol, picture_folder
from genimg_ui.evaluation.protocol_file import read_protocol
from genimg_ui.evaluation.results import Result, read_result
from genimg_ui.evaluation.runner import Scorer
from genimg_ui.evaluation.session import Asked, Evaluated, Tools, evaluate
from genimg_ui.examples import examples
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.registry.availability import availability
from genimg_ui.shelf.licences import Licences
from genimg_ui.weights.hashes import WeightHashes

Subparsers = Any  # argparse keeps its type to itself
EXAMPLES = "examples:"  # as `pictures.folder`: the photographs that come with the program
_SCORING = "genimg_ui.evaluation.metrics.scoring"
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".json", ".npz")


def add_evaluation_command(names: Subparsers) -> None:
    """Add `evaluate`; its models.yaml is named by --models-file, because --models are ids."""
    command = names.add_parser("evaluate", help="measure models by a protocol")
    add = command.add_argument
    add("protocol", type=Path, metavar="PROTOCOL.yaml")
    add("--models", dest="asked", required=True, metavar="A,B,...", help="ids; also fill:telea ...")
    add("--out", type=Path, required=True, metavar="DIR", help="new, or one to go on with")
    add("--pictures", type=Path, metavar="DIR", help="instead of the protocol's own")
    add("--baseline", type=Path, metavar="RESULT.json", help="exit 1 where something fell")
    add(
        "--tolerance",
        action="append",
        default=[],
        metavar="METRIC=NUMBER",
        help="how much worse than the baseline is allowed; else as the protocol says, else 0",
    )
    command.set_defaults(run=run_evaluation)


def run_evaluation(flags: argparse.Namespace) -> int:
    """Evaluate; 1 where something fell below the baseline, or a model has no result at all."""
    protocol = read_protocol(flags.protocol)
    given = read_tolerances(tuple(flags.tolerance))
    baseline = read_result(flags.baseline) if flags.baseline else None
    with Workbench(flags) as place, _pictures(protocol, flags) as pictures:
        registry = with_baselines(place.registry)
        specs = chosen(flags.asked, registry, place.licences)
        hashes = WeightHashes(flags.data_dir / "cache" / "weights.json")
        asked = Asked(
            protocol=protocol,
            pictures=pictures,
            specs=specs,
            models={spec.id: model_facts(spec, hashes) for spec in specs},
            out=flags.out,
            baseline=baseline,
            tolerances={**protocol.tolerances, **given},
        )
        with cancelled_by_interrupt() as cancel:
            tools = Tools(
                editor_of=lambda store: place.editor_of(store, registry),
                open_scorer=open_scorer,
                release=place.pool.release,
                session=place.session,
                tell=teller(flags),
                cancel=cancel,
            )
            try:
                done = evaluate(asked, tools)
            except Cancelled:
                print("Stopped. The same command goes on from here.", file=sys.stderr)
                return FAILURE
    _print(flags, done)
    empty = any(model.done == 0 for model in done.result.models)
    return FAILURE if done.falls or empty else DONE


def chosen(text: str, registry: Registry, licences: Licences) -> tuple[ModelSpec, ...]:
    """The models of `--models A,B`; raises RefusedInput for one that cannot be measured here."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise RefusedInput(f"--models must name one model or more, each once, got {text[:80]!r}.")
    specs = tuple(registry.get(name) for name in names)
    for spec in specs:
        if Task.INPAINT not in spec.tasks:
            raise RefusedInput(
                f"A model of an evaluation must fill masks (task inpaint), and {spec.id} does "
                f"{', '.join(spec.tasks)} only."
            )
        licences.require(spec)
        lack = None if spec.engine == ENGINE else availability(spec)
        if lack is not None:
            raise RefusedInput(lack, remedy="Leave it out of --models, or bring its weights here.")
    return specs


def model_facts(spec: ModelSpec, hashes: WeightHashes) -> Json:
    """The model's entry as data, with the sha256 of weights that lie in a folder or file here."""
    facts: dict[str, Json] = to_json(replace(spec, source=Path(spec.source).name))
    place = Path(spec.source) if spec.source else None
    if place is not None and place.is_absolute() and place.exists():
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        weights = [file for file in files if file.is_file() and file.suffix in _WEIGHTS]
        folder = place.parent if place.is_file() else place
        facts["weights"] = to_json(hashes.records(folder, weights))
    return facts


@contextmanager
def _pictures(protocol: Protocol, flags: argparse.Namespace) -> Iterator[Path]:
    """The folder of the protocol's pictures; the program's own photographs are laid out in one."""
    if flags.pictures is not None or protocol.pictures.folder != EXAMPLES:
        yield picture_folder(protocol, flags.protocol, flags.pictures)
        return
    with TemporaryDirectory() as folder:
        for name, example in examples(()).items():
            with example.picture() as path:
                (Path(folder) / f"{name}{path.suffix}").write_bytes(path.read_bytes())
        yield Path(folder)


def open_scorer(metrics: tuple[str, ...]) -> Scorer:
    """What computes the metrics; torch is imported now."""
    scorer: Scorer = importlib.import_module(_SCORING).open_scorer(metrics)
    return scorer


def teller(flags: argparse.Namespace) -> Callable[[str], None]:
    """Lines on stderr, which stays free of anything else."""

    def tell(line: str) -> None:
        if not flags.json:
            print(line, file=sys.stderr, flush=True)

    return tell


def _print(flags: argparse.Namespace, done: Evaluated) -> None:
    if flags.json:
        fell = None if done.falls is None else to_json(done.falls)
        print(json.dumps({"result": to_json(done.result), "falls": fell}))
        return
    print_result(done.result, flags.out)
    if done.falls is not None:
        for fall in done.falls:
            print(f"fell: {fall.model}: {fall.sentence}")
        if not done.falls:
            print("Nothing fell below the baseline.")


def print_result(result: Result, out: Path) -> None:
    """A line for each model, what was not measured, and where the report is."""
    for model in result.models:
        shown = [
            value for value in result.values if value.model == model.id and not value.mask_kind
        ]
        means = (f"{v.metric} {v.summary.mean:.4g}" for v in shown if v.summary.mean is not None)
        print(f"{model.id}: {model.done} results, {model.failed} failed; {', '.join(means)}")
    for line in result.lacks:
        print(f"not measured: {line}", file=sys.stderr)
    print(f"{out / REPORT}")
