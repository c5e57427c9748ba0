"""The plain fills as an engine: the very pixels of `core.fill`, under names of their own."""

import numpy as np
import pytest

from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.fill import plain
from genimg_ui.evaluation.baselines import PREFIX, baselines
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import ModelSpec
from tests.editing import Desk, Pixels, painted, photograph, png, request

HOLE = (20, 10, 44, 34)


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    made = Desk(tmp_path_factory.mktemp("fills"), *baselines())
    yield made
    made.close()


def edited(desk: Desk, name: str, **parts: object) -> tuple[LogEntry, Pixels]:
    entry = desk.edit(
        request(f"{PREFIX}{name}", **parts), png(photograph(64, 48)), painted(64, 48, HOLE)
    )
    assert entry.state is EntryState.DONE, entry.error
    return entry, np.asarray(desk.result(entry))


@pytest.mark.parametrize("name", ["telea", "blur", "neutral"])
def test_a_fill_through_the_editor_is_the_fill_itself(desk: Desk, name: str) -> None:
    picture = np.asarray(photograph(64, 48))
    hole = painted(64, 48, HOLE) > 0
    entry, made = edited(desk, name)
    assert np.array_equal(made, getattr(plain, name)(picture, hole))
    assert entry.model is not None
    assert entry.model.engine.startswith(f"fill {name} with OpenCV")
    assert entry.results[0].report.changed_outside == 0
    assert np.array_equal(made, edited(desk, name, seed=99)[1])


def test_noise_is_drawn_from_the_edits_seed(desk: Desk) -> None:
    first, again, other = (edited(desk, "noise", seed=seed)[1] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_baselines_have_an_engine_and_are_no_models_of_the_page() -> None:
    specs: tuple[ModelSpec, ...] = baselines()
    assert [spec.id for spec in specs] == ["fill:telea", "fill:blur", "fill:neutral", "fill:noise"]
    pool = BackendPool()
    assert len({id(pool.get(spec)) for spec in specs}) == 1
