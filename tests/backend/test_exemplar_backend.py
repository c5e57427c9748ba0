"""The embedded engine behind the common protocol."""

from itertools import pairwise

import numpy as np
import pytest

from genimg_ui.backend.base import BackendJob, CancelToken, Preview, Progress
from genimg_ui.backend.exemplar import ExemplarBackend
from genimg_ui.core.request import EditRequest, FillMode, ResolvedRequest
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.registry import ModelSpec

SPEC = ModelSpec(id="exemplar", title="Exemplar", engine="exemplar", licence="Apache-2.0")


def job(seeds: tuple[int, ...], mode: FillMode = FillMode.REMOVE) -> BackendJob:
    image = np.random.default_rng(0).integers(0, 256, (48, 56, 3)).astype(np.uint8)
    mask = np.zeros((48, 56), np.uint8)
    mask[15:30, 20:35] = 255
    mask[15:30, 35:38] = 40  # partial strength is filled as well
    resolved = ResolvedRequest(request=EditRequest(), seeds=seeds, scheduler="", fill_mode=mode)
    return BackendJob(resolved=resolved, spec=SPEC, image=image, filled=image, mask=mask)


def test_one_patch_for_each_seed_and_nothing_outside_the_mask() -> None:
    asked = job((7, 8))
    events: list[Progress | Preview] = []
    result = ExemplarBackend().generate(asked, events.append, CancelToken())
    assert len(result.patches) == 2
    hole = asked.mask > 0
    for patch in result.patches:
        assert patch.shape == asked.image.shape
        assert np.array_equal(patch[~hole], asked.image[~hole])
        assert (patch[hole] != asked.image[hole]).any(axis=-1).mean() > 0.9
    assert not np.array_equal(*result.patches)
    alone = ExemplarBackend().generate(job((8,)), lambda _: None, CancelToken())
    assert np.array_equal(alone.patches[0], result.patches[1]), "a variant depends on its seed only"


def test_progress_runs_once_from_0_to_1_over_all_variants() -> None:
    events: list[Progress | Preview] = []
    ExemplarBackend().generate(job((1, 2)), events.append, CancelToken())
    told = [event for event in events if isinstance(event, Progress)]
    assert all(a.fraction <= b.fraction for a, b in pairwise(told))
    assert told[0].fraction == 0.0
    assert told[-1].fraction == 1.0
    assert {event.text for event in told} == {"variant 1 of 2", "variant 2 of 2"}
    assert [event.index for event in events if isinstance(event, Preview)] == [0, 1]


def test_the_mode_reaches_the_fill() -> None:
    modes = (FillMode.REMOVE, FillMode.CLOSEST)
    one, two = (
        ExemplarBackend().generate(job((1,), mode), lambda _: None, CancelToken()).patches[0]
        for mode in modes
    )
    assert not np.array_equal(one, two)


def test_cancel_stops_between_and_within_variants() -> None:
    token = CancelToken()

    def stop(event: Progress | Preview) -> None:
        if isinstance(event, Progress) and event.fraction > 0.3:
            token.cancel()

    with pytest.raises(Cancelled):
        ExemplarBackend().generate(job((1, 2)), stop, token)


def test_a_mask_over_everything_is_refused() -> None:
    asked = job((1,))
    asked.mask[:] = 255
    with pytest.raises(RefusedInput, match="Nothing is left to copy from"):
        ExemplarBackend().generate(asked, lambda _: None, CancelToken())


def test_the_engine_says_with_what_it_worked() -> None:
    result = ExemplarBackend().generate(job((1,)), lambda _: None, CancelToken())
    assert result.model is not None and result.model.engine.startswith("exemplar ")
    assert result.runtime is not None and result.runtime.device.startswith("cpu (")
    assert result.runtime.threads >= 1 and result.runtime.instructions
    assert set(result.environment) == {"numba", "llvmlite"}
