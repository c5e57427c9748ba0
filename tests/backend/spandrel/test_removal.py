"""LaMa and MAT: they fill a mask without a prompt, and touch nothing else."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.core.request import Region
from genimg_ui.history.record import EntryState
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, changed, may_change, painted, photograph, png, request

pytestmark = pytest.mark.torch
MASK = painted(53, 37, (20, 10, 31, 20))
MODELS = """
models:
  lama:
    engine: spandrel
    source: {folder}
    file: lama.safetensors
    size_multiple: 8
    tasks: [inpaint, outpaint]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    builders = "tests.backend.spandrel.tiny_networks"
    tiny = pytest.importorskip(builders, reason="torch and spandrel are not installed")
    tiny.torch.set_num_threads(1)
    folder: Path = tmp_path_factory.mktemp("removal")
    tiny.make_lama(folder / "lama.safetensors")
    (folder / "models.yaml").write_text(MODELS.format(folder=folder), encoding="utf-8")
    opened = Desk(folder / "data", *load_registry(folder / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()
    (folder / "lama.safetensors").unlink()


@pytest.mark.parametrize(
    ("mask", "parts"),
    [(MASK, {}), (MASK, {"grow": 3, "feather": 2}), (None, {"border": Sides(5, 0, 8, 3)})],
)
def test_a_network_fills_the_mask_and_nothing_else(
    desk: Desk, mask: np.ndarray | None, parts: dict[str, object]
) -> None:
    asked, source = request("lama", **parts), photograph(53, 37)
    entry = desk.edit(asked, png(source), mask)
    assert entry.state is EntryState.DONE, entry.error
    allowed = may_change(mask, source.size, asked)
    difference = changed(source, desk.result(entry), asked.border)
    assert not (difference & ~allowed).any() and difference[allowed].any()
    assert entry.model is not None and entry.model.family == "LaMa"
    assert entry.model.files[0].name == "lama.safetensors"
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL


def test_what_lies_under_the_mask_does_not_matter(desk: Desk) -> None:
    source = photograph(53, 37)
    other = source.copy()
    other.paste((255, 0, 0), (22, 12, 29, 18))
    results = [
        np.asarray(desk.result(desk.edit(request("lama"), png(picture), MASK)))
        for picture in (source, other)
    ]
    assert np.array_equal(*results)


def test_a_network_without_chance_makes_one_variant_and_no_whole_picture(desk: Desk) -> None:
    source = png(photograph(53, 37))
    several = desk.edit(request("lama", variants=2), source, MASK)
    assert several.refused and "same picture of every seed" in several.error
    whole = desk.edit(request("lama", region=Region.WHOLE), source)
    assert whole.refused and "serves these tasks: inpaint, outpaint" in whole.error


@pytest.mark.parametrize("drawn", [0, 1])
def test_every_seed_has_a_style_of_its_own_in_mat(drawn: int) -> None:
    """On the part of the network that makes the style: the whole takes half a minute."""
    torch = pytest.importorskip("torch")
    mat = pytest.importorskip("spandrel_extra_arches.architectures.MAT")
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    loading = pytest.importorskip("genimg_ui.backend.spandrel.loading")
    np.random.seed(drawn)  # what the network draws when it is made must not count
    network = torch.nn.Module()
    network.z, network.label = torch.from_numpy(np.random.randn(1, 512)), torch.zeros(1, 0)
    net = SimpleNamespace(architecture=mat.MATArch(), model=network)
    loaded = loading.Loaded(net, ModelRecord(id="mat"))
    styles = []
    for seed in (4, 5, 4):
        engine.SpandrelBackend()._seed(loaded, seed)
        styles.append(network.z.clone())
    assert styles[0].equal(styles[2]) and not styles[0].equal(styles[1])
    assert styles[0][0, 0] == pytest.approx(float(np.random.default_rng(4).standard_normal()))
