"""A completion network fills the mask of an edit and nothing else, the same at every time."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from genimg_ui.backend.base import BackendJob, CancelToken, Preview, Progress
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import FillMode, Region, ResolvedRequest
from genimg_ui.core.tasks import MASKED
from genimg_ui.errors import Cancelled, ModelUnavailable, RefusedInput
from genimg_ui.history.record import EntryState
from genimg_ui.registry import ModelSpec, availability, load_registry
from genimg_ui.registry.foresight import context_plan
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, changed, may_change, noise, painted, photograph, png, request

pytestmark = pytest.mark.torch
MASK = painted(53, 37, (20, 10, 31, 20))
NAMES = ("fourier", "iizuka")
PATCHED = "patched"  # the first network, whose texture is that of patches


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    builders = "tests.backend.completion.tiny_completion"
    module = pytest.importorskip(builders, reason="torch is not installed")
    module.torch.set_num_threads(1)
    return module


@pytest.fixture(scope="module")
def folder(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("completion")
    for name in NAMES:
        config = tiny.NetworkConfig(architecture=name, width=4, blocks=2, blend=name == "iizuka")
        tiny.make_completion(root / name, config)
    entries = [f"  {name}:\n    engine: completion\n    source: ./{name}\n" for name in NAMES]
    entries.append(f"{entries[0].replace('fourier:', PATCHED + ':', 1)}    texture: patches\n")
    (root / "models.yaml").write_text("models:\n" + "".join(entries), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def desk(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"), *load_registry(folder / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def spec_of(folder: Path, name: str = "fourier", **parts: object) -> ModelSpec:
    return replace(load_registry(folder / "models.yaml").get(name), **parts)


def job_of(
    spec: ModelSpec, image: np.ndarray, hole: np.ndarray, seeds: tuple[int, ...] = (0,)
) -> BackendJob:
    resolved = ResolvedRequest(
        request=request(spec.id), seeds=seeds, scheduler="", fill_mode=FillMode.REMOVE
    )
    return BackendJob(resolved=resolved, spec=spec, image=image, filled=image, mask=hole)


@pytest.mark.parametrize("model", (*NAMES, PATCHED))
@pytest.mark.parametrize(
    ("mask", "parts"),
    [(MASK, {"grow": 3, "feather": 2}), (None, {"border": Sides(5, 0, 8, 3)})],
)
def test_a_network_fills_the_mask_and_nothing_else(
    desk: Desk, model: str, mask: np.ndarray | None, parts: dict[str, object]
) -> None:
    asked, source = request(model, **parts), photograph(53, 37)
    entry = desk.edit(asked, png(source), mask)
    assert entry.state is EntryState.DONE, entry.error
    allowed = may_change(mask, source.size, asked)
    difference = changed(source, desk.result(entry), asked.border)
    assert not (difference & ~allowed).any() and difference[allowed].any()
    assert entry.model is not None
    assert entry.model.family == ("fourier" if model == PATCHED else model)
    assert [file.name for file in entry.model.files] == ["config.json", "model.safetensors"]
    assert entry.facts["edge"] == ("poisson" if model == "iizuka" else "as painted")
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL


@pytest.mark.parametrize("model", (*NAMES, PATCHED))
def test_what_lies_under_the_mask_does_not_matter(desk: Desk, model: str) -> None:
    source = photograph(53, 37)
    other = source.copy()
    other.paste((255, 0, 0), (22, 12, 29, 18))
    asked = request(model)
    results = [
        np.asarray(desk.result(desk.edit(asked, png(picture), MASK))) for picture in (source, other)
    ]
    assert np.array_equal(*results)


def test_depth_is_kept_and_seeds_and_whole_pictures_are_refused(desk: Desk) -> None:
    deep = noise(53, 37, "I;16")
    entry = desk.edit(request("fourier"), png(deep), MASK)
    assert entry.state is EntryState.DONE and desk.result(entry).mode == "I;16"
    several = desk.edit(request("fourier", variants=2), png(deep), MASK)
    assert several.refused and "same picture of every seed" in several.error
    whole = desk.edit(request("fourier", region=Region.WHOLE), png(deep))
    assert whole.refused and "serves these tasks: inpaint, outpaint" in whole.error


def test_only_regions_larger_than_its_own_size_are_scaled(desk: Desk) -> None:
    small = desk.edit(request("fourier"), png(photograph(53, 37)), MASK)
    assert small.plan is not None
    assert small.plan.working == small.plan.box.size.rounded_up(8)
    large = painted(700, 600, (100, 100, 400, 300))
    reduced = desk.edit(request("fourier"), png(photograph(700, 600)), large)
    assert reduced.plan is not None and reduced.plan.working.area <= 264**2
    assert reduced.plan.box.size.area > 600**2 / 2
    assert reduced.results[0].report.changed_outside == 0


def test_patches_follow_the_network_at_the_pictures_own_size(desk: Desk) -> None:
    source, large = photograph(700, 600), painted(700, 600, (100, 100, 400, 300))
    entry = desk.edit(request(PATCHED, seed=3, variants=2), png(source), large)
    assert entry.state is EntryState.DONE, entry.error
    assert entry.plan is not None and entry.plan.working == entry.plan.box.size
    assert entry.model is not None and entry.facts["texture"] == "patches"
    assert re.fullmatch(r"completion \d+, exemplar \d+", entry.model.engine)
    assert {"torch", "numba"} <= set(entry.environment)
    first, second = (np.asarray(desk.result(entry, index)) for index in (0, 1))
    assert not np.array_equal(first, second)
    assert all(result.report.changed_outside == 0 for result in entry.results)


@pytest.mark.parametrize(("width", "height"), [(700, 600), (256, 256), (31, 2000)])
def test_the_network_sees_at_most_its_own_size_and_only_what_is_known(
    width: int, height: int
) -> None:
    texture = pytest.importorskip("genimg_ui.backend.completion.texture")
    image = np.full((height, width, 3), 90, np.uint8)
    hole = painted(width, height, (3, 5, width // 2, height // 2)) > 0
    image[hole] = 255
    seen, covered = texture.reduced(image, hole)
    assert seen.shape[:2] == covered.shape and covered.size <= 1.05 * texture.SIDE**2
    assert (seen[~covered] == 90).all()
    assert covered.mean() == pytest.approx(hole.mean(), abs=0.02)
    guide = texture.as_guide(seen, image)
    assert guide.dtype == np.uint8 and guide.shape == image.shape


@pytest.mark.parametrize("thin", [1, 3])
def test_a_thin_line_in_a_large_crop_is_shown_to_the_network_as_hole(thin: int) -> None:
    texture = pytest.importorskip("genimg_ui.backend.completion.texture")
    image = np.full((1500, 1500, 3), 90, np.uint8)
    hole = np.zeros((1500, 1500), np.bool_)
    hole[700 : 700 + thin, 200:1300] = True
    image[hole] = (255, 0, 255)
    seen, covered = texture.reduced(image, hole)
    assert covered.any() and covered.mean() < 0.02
    assert abs(seen[~covered].astype(int) - 90).max() <= 1


def test_what_a_network_says_of_known_pixels_does_not_reach_the_guide(folder: Path) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    image = np.full((600, 600, 3), 90, np.uint8)
    hole = painted(600, 600, (100, 100, 130, 500))
    events: list[Progress | Preview] = []
    backend = engine.CompletionBackend()
    job = job_of(spec_of(folder, PATCHED), image, hole)
    backend.generate(job, lambda _: None, CancelToken())
    network = backend._loaded.network  # what it paints is put in place of the network's own
    network.forward = lambda _, hole: hole * 0.2 + (1 - hole) * 9
    made = backend.generate(job, events.append, CancelToken())
    guide = next(event.image for event in events if isinstance(event, Preview))
    inside = guide[hole > 0]
    assert inside.min() >= 50 and inside.max() <= 91, "51 where it painted, 90 beside it"
    assert np.array_equal(made.patches[0][hole == 0], image[hole == 0])


def test_a_border_is_followed_outwards(folder: Path) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    image, hole = np.asarray(photograph(120, 90)), painted(120, 90, (80, 0, 120, 90))
    inwards = job_of(spec_of(folder, PATCHED), image, hole)
    outwards = replace(inwards, resolved=replace(inwards.resolved, fill_mode=FillMode.EXTEND))
    backend = engine.CompletionBackend()
    made, again, beside = (
        backend.generate(job, lambda _: None, CancelToken()).patches[0]
        for job in (inwards, inwards, outwards)
    )
    assert np.array_equal(made, again) and not np.array_equal(made, beside)


def test_progress_of_several_variants_only_grows_and_a_cancel_stops_the_patches(
    folder: Path,
) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    image, hole = np.asarray(photograph(300, 200)), painted(300, 200, (60, 40, 240, 160))
    job = job_of(spec_of(folder, PATCHED), image, hole, seeds=(1, 2))
    events: list[Progress | Preview] = []
    backend = engine.CompletionBackend()
    made = backend.generate(job, events.append, CancelToken())
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions) and 0.3 < fractions[len(fractions) // 2] < 0.8
    assert sum(isinstance(event, Preview) for event in events) == 3
    assert not np.array_equal(*made.patches)
    token, late = CancelToken(), []

    def on_event(event: Progress | Preview) -> None:
        late.append(event)
        if isinstance(event, Progress) and "texture" in event.text and event.fraction > 0.2:
            token.cancel()

    with pytest.raises(Cancelled):
        backend.generate(job, on_event, token)
    assert sum(isinstance(event, Preview) for event in late) == 1, "the guide alone"


def test_a_crop_that_is_nearly_all_hole_still_shows_the_network_what_is_known() -> None:
    texture = pytest.importorskip("genimg_ui.backend.completion.texture")
    image = np.full((1024, 1024, 3), 90, np.uint8)
    hole = np.ones((1024, 1024), np.bool_)
    hole[500, 500] = False
    seen, covered = texture.reduced(image, hole)
    assert (~covered).sum() == 1 and (seen[~covered] == 90).all()


@pytest.mark.parametrize("enlarges", [True, False])
def test_an_entry_says_whether_small_regions_are_enlarged(tmp_path: Path, enlarges: bool) -> None:
    text = f"models:\n  net:\n    engine: completion\n    source: ./net\n    enlarges: {enlarges}\n"
    (tmp_path / "models.yaml").write_text(text.replace("True", "true").replace("False", "false"))
    spec = load_registry(tmp_path / "models.yaml").get("net")
    plan = context_plan(spec, request("net"), Size(53, 37), Box(20, 10, 31, 20))
    assert (plan.scale > 1) == enlarges == (not plan.exact)


@pytest.mark.parametrize("model", (*NAMES, PATCHED))
def test_crops_of_any_size_are_filled_and_the_rest_is_returned(folder: Path, model: str) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    image = np.asarray(photograph(45, 31))
    hole = painted(45, 31, (10, 0, 45, 9), value=90)
    events: list[Progress | Preview] = []
    made = engine.CompletionBackend().generate(
        job_of(spec_of(folder, model), image, hole), events.append, CancelToken()
    )
    patch = made.patches[0]
    assert np.array_equal(patch[hole == 0], image[hole == 0])
    assert (patch != image)[hole > 0].any()
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert len(fractions) >= 4 and fractions == sorted(fractions)
    assert fractions[-1] == 1 if model == PATCHED else fractions[-1] < 1
    assert isinstance(events[-1], Preview) and np.array_equal(events[-1].image, patch)


def test_a_cancel_stops_between_two_layers(folder: Path) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    token, seen = CancelToken(), []

    def on_event(event: Progress | Preview) -> None:
        seen.append(event)
        if isinstance(event, Progress) and event.fraction > 0:
            token.cancel()

    job = job_of(spec_of(folder), np.asarray(photograph(45, 31)), painted(45, 31, (9, 9, 20, 20)))
    backend = engine.CompletionBackend()
    with pytest.raises(Cancelled):
        backend.generate(job, on_event, token)
    layers = [e for e in seen if isinstance(e, Progress) and e.fraction > 0]
    assert len(layers) == 1 and not any(isinstance(e, Preview) for e in seen)
    assert backend.generate(job, lambda _: None, CancelToken()).patches


def test_a_crop_without_known_pixels_is_refused(folder: Path) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    image = np.asarray(photograph(16, 16))
    job = job_of(spec_of(folder), image, np.full((16, 16), 255, np.uint8))
    with pytest.raises(RefusedInput, match="needs unpainted pixels in what it sees, got none"):
        engine.CompletionBackend().generate(job, lambda _: None, CancelToken())


def test_a_folder_that_is_not_whole_is_said_before_anything_runs(folder: Path) -> None:
    assert availability(spec_of(folder)) is None
    assert spec_of(folder).tasks == MASKED and not spec_of(folder).uses_seed
    assert spec_of(folder, PATCHED).uses_seed and spec_of(folder, PATCHED).native_size == 0
    lack = availability(spec_of(folder, source=str(folder / "absent")))
    assert lack is not None and "does not exist" in lack
    partly = folder / "partly"
    partly.mkdir()
    shutil.copyfile(folder / "fourier" / "config.json", partly / "config.json")
    lack = availability(spec_of(folder, source=str(partly)))
    assert lack is not None and "lacks *.safetensors" in lack
    whole = (folder / "fourier" / "model.safetensors").read_bytes()
    (partly / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    lack = availability(spec_of(folder, source=str(partly)))
    assert lack is not None and "of model.safetensors" in lack


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "magic"}, "architecture in config.json must be one of fourier, iizuka"),
        ({"width": 8}, "model.safetensors does not fit config.json"),
        ({"blocks": 3}, "does not fit config.json: it lacks stages"),
        ({"blocks": "2"}, "blocks in config.json must be 0 to 64, got '2'"),
        ({"colour": 1}, 'config.json knows architecture, .* got "colour"'),
    ],
)
def test_weights_that_do_not_fit_are_refused_in_one_sentence(
    folder: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    bad = tmp_path / "bad"
    shutil.copytree(folder / "fourier", bad)
    config = json.loads((bad / "config.json").read_text()) | change
    (bad / "config.json").write_text(json.dumps(config))
    job = job_of(spec_of(folder, source=str(bad)), np.zeros((16, 16, 3), np.uint8), MASK[:16, :16])
    with pytest.raises(ModelUnavailable, match=said) as refused:
        engine.CompletionBackend().generate(job, lambda _: None, CancelToken())
    assert str(refused.value).startswith(f"{job.spec.title} could not be loaded: ")
    assert "\n" not in str(refused.value)


def test_weights_that_are_no_numbers_are_refused(
    folder: Path, tiny: ModuleType, tmp_path: Path
) -> None:
    engine = pytest.importorskip("genimg_ui.backend.completion.engine")
    shutil.copytree(folder / "fourier", tmp_path / "nan")
    weights = tiny.load_file(folder / "fourier" / "model.safetensors")
    weights["leave.0.weight"][0] = float("nan")
    tiny.save_file(weights, tmp_path / "nan" / "model.safetensors")
    spec = spec_of(folder, source=str(tmp_path / "nan"))
    job = job_of(spec, np.zeros((16, 16, 3), np.uint8), MASK[:16, :16])
    with pytest.raises(ModelUnavailable, match=r"leave\.0\.weight .* no numbers"):
        engine.CompletionBackend().generate(job, lambda _: None, CancelToken())
