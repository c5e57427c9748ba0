"""One evaluation, by a protocol of the app, of entrants that need not stand in models.yaml.

Everything is done by `genimg_ui.evaluation`: cases, edits, metrics, intervals, report. Here is only
said who takes part, and who cannot and why.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.studies.opencv import NavierStokes
from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.pool import BackendPool
from genimg_ui.commands.evaluations import model_facts
from genimg_ui.editor import Editor
from genimg_ui.evaluation.metrics.scoring import open_scorer
from genimg_ui.evaluation.protocol import Protocol
from genimg_ui.evaluation.protocol_file import read_protocol
from genimg_ui.evaluation.results import Result
from genimg_ui.evaluation.session import Asked, Tools, evaluate
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.registry.availability import availability
from genimg_ui.registry.families import ENGINE_DEFAULTS
from genimg_ui.weights.hashes import WeightHashes

ROOT: Final = Path(__file__).resolve().parents[2]
PROTOCOLS: Final = ROOT / "assets" / "protocols"
OUTPUT: Final = ROOT / "benchmarks" / "output" / "studies"
SESSION: Final = "0" * 32  # of the evaluation's own store


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A model that is measured; `own` are its parameters over those of the protocol."""

    spec: ModelSpec
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrants:
    """Who is measured, and of the others, by id, why not."""

    present: tuple[Entrant, ...]
    absent: Mapping[str, str] = field(default_factory=dict)


def of_registry(
    registry: Registry, model: str, *, name: str = "", own: Mapping[str, Any] | None = None
) -> Entrants:
    """A model of models.yaml, under a name of its own where it has parameters of its own."""
    found = next((spec for spec in registry.all() if spec.id == model), None)
    if found is None:
        return Entrants(present=(), absent={name or model: f"models.yaml has no {model}"})
    lack = None if found.engine == "fill" else availability(found)
    if lack is not None:
        return Entrants(present=(), absent={name or model: lack})
    return Entrants(present=(Entrant(spec=replace(found, id=name or model), own=own or {}),))


def of_network(name: str, folder: Path) -> Entrants:
    """A completion network's folder, as models.yaml would list it."""
    spec = ModelSpec(
        id=name,
        title=name,
        engine="completion",
        licence="-",
        source=str(folder.resolve()),
        **ENGINE_DEFAULTS["completion"],
    )
    lack = availability(spec) if folder.is_dir() else f"there is no folder {folder}"
    if lack is not None:
        return Entrants(present=(), absent={name: lack})
    return Entrants(present=(Entrant(spec=spec),))


def together(groups: Sequence[Entrants]) -> Entrants:
    """All of them, in their order."""
    return Entrants(
        present=tuple(one for group in groups for one in group.present),
        absent={name: why for group in groups for name, why in group.absent.items()},
    )


def protocol_of(name: str, count: int) -> Protocol:
    """A protocol that comes with the app, on so many pictures at most."""
    found = read_protocol(PROTOCOLS / f"{name}.yaml")
    return replace(found, pictures=replace(found.pictures, limit=count))


def measure(entrants: Entrants, protocol: Protocol, pictures: Path, out: Path) -> Result:
    """The evaluation, in a folder that is gone on with where it stands; raises GenimgError."""
    specs = tuple(one.spec for one in entrants.present)
    registry = Registry(specs, specs[0].id)
    hashes = WeightHashes(OUTPUT / "weights.json")
    asked = Asked(
        protocol=protocol,
        pictures=pictures.resolve(),
        specs=specs,
        models={spec.id: model_facts(spec, hashes) for spec in specs},
        own={one.spec.id: one.own for one in entrants.present if one.own},
        out=out,
    )
    pool = BackendPool(backends={NavierStokes.ENGINE: NavierStokes()})
    tools = Tools(
        editor_of=lambda store: Editor(store, registry, pool),
        open_scorer=open_scorer,
        release=pool.release,
        session=SESSION,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
        cancel=CancelToken(),
    )
    return evaluate(asked, tools).result
