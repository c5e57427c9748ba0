"""The studies on a few tiny pictures: each measures, fills its page, and says what it lacks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.studies import ablation, channels, discriminators, engines
from benchmarks.studies.ablation import Scenes
from benchmarks.studies.pages import PAGES, put_tables
from genimg_ui.backend.completion.weights import NetworkConfig, load
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.statistics import Sample, ratio
from tests.backend.completion.tiny_completion import make_completion
from tests.editing import photograph

pytestmark = pytest.mark.torch
IIZUKA = NetworkConfig(architecture="iizuka", width=4, trained_side=32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for index in range(2):
        photograph(170 + index, 165).rotate(90 * index).save(folder / f"p{index}.png")
    return folder


def page(folder: Path, name: str) -> Path:
    """A copy of a study's page with a sentence by hand."""
    copy = folder / f"{name}.md"
    copy.write_text((PAGES / f"{name}.md").read_text("utf-8") + "\nBy hand.\n", "utf-8")
    return copy


def test_tables_are_replaced_and_words_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("Before.\n<!-- tables: x -->\nold\n<!-- end of tables: x -->\nAfter.\n")
    put_tables(path, "x", "new")
    put_tables(path, "x", "newer")
    assert path.read_text() == (
        "Before.\n<!-- tables: x -->\nnewer\n<!-- end of tables: x -->\nAfter.\n"
    )
    with pytest.raises(RefusedInput, match=r"page\.md must have the lines <!-- tables: y -->"):
        put_tables(path, "y", "new")


def test_a_ratio_draws_pictures_with_both_of_their_values() -> None:
    twice = [Sample(group=str(i), value=2.0 * i) for i in range(1, 9)]
    once = [Sample(group=str(i), value=1.0 * i) for i in range(1, 9)]
    found = ratio(twice, once)
    assert (found.mean, found.low, found.high, found.n) == (2.0, 2.0, 2.0, 8)
    noisy = [Sample(group=str(i), value=1.0 + i % 3) for i in range(1, 9)]
    found = ratio(noisy, once)
    assert found.low is not None and found.high is not None and found.mean is not None
    assert found.low < found.mean < found.high
    with pytest.raises(ValueError, match="not 0"):
        ratio(once, [Sample(group=str(i), value=0.0) for i in range(1, 9)])


def test_engines_are_measured_by_the_published_protocol(data: Path, tmp_path: Path) -> None:
    written = page(tmp_path, "engines")
    only = "exemplar-balanced,fill:telea,navier-stokes"
    places = ["--data", str(data), "--out", str(tmp_path / "out"), "--page", str(written)]
    assert engines.main([*places, "--only", only, "--count", "2"]) == 0
    text = written.read_text("utf-8")
    assert "| MSE | PSNR | SSIM | FID (stand-in random network) |" in text
    rows: dict[str, list[str]] = {}  # of the first table with such a line
    for line in text.splitlines():
        rows.setdefault(line.split(" | ")[0], line.split(" | "))
    telea, stokes = (rows[f"| OpenCV, {name}"] for name in ("Telea", "Navier-Stokes"))
    assert telea[1] != stokes[1] and 10 < float(telea[2]) < 60
    assert rows["| diffusion on a made world (`shapes`)"][1] == "not measured"
    assert "left out by --only" in text
    assert "patches (Newson et al. 2014) | 0.0036 | 26.37" in text
    assert "MSE of … over that of patches (`exemplar`, balanced)" in text
    assert text.endswith("By hand.\n")
    with Image.open(tmp_path / "out" / "montage.jpg") as montage:
        assert montage.size == (5 * 164, 16 + 2 * 164)


def test_networks_are_measured_beside_the_published_ablation(data: Path, tmp_path: Path) -> None:
    for name, steps in (("both", 6), ("local", 1)):
        make_completion(tmp_path / name, IIZUKA, steps)
    written = page(tmp_path, "discriminators")
    gone = tmp_path / "gone"
    networks = [f"--network=both={tmp_path / 'both'}", f"--network=local={tmp_path / 'local'}"]
    places = ["--data", str(data), "--out", str(tmp_path / "out"), "--page", str(written)]
    assert discriminators.main([*places, *networks, f"--network=global={gone}", "--count=2"]) == 0
    text = written.read_text("utf-8")
    assert "### One hole with sides of 0.3 to 0.6" in text
    assert "| local only | 0.053 | 12.94 | 0.595 | 69.57 |" in text
    assert "| local only | 0.0011 | 31.91 | 0.971 | 8.64 |" in text
    assert text.count(f"global discriminator only: there is no folder {gone}") == 2
    assert discriminators.main([*places, "--network=none=x"]) == 1


def scenes(count: int = 3) -> Scenes:
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.random((count, 3, 32, 32), np.float32))
    hole = torch.zeros(count, 1, 32, 32)
    hole[..., 8:20, 10:24] = 1
    return Scenes(image, hole, tuple(f"p{i}" for i in range(count)))


def test_the_channel_that_alone_carries_the_picture_is_the_most_important(tmp_path: Path) -> None:
    make_completion(tmp_path / "n", IIZUKA)
    network, _ = load(tmp_path / "n")
    some = scenes()
    last = network.get_submodule("stages.16.0")
    with torch.no_grad():
        last.weight.zero_()  # type: ignore[operator, union-attr]
        last.weight[:, 1] = 3.0  # type: ignore[index]
        last.bias.zero_()  # type: ignore[operator, union-attr]
    whole = ablation.errors(network, some)
    found = ablation.losses(network, "stages.15", some, whole)
    assert {loss.channel for loss in found if loss.mse.any()} == {1}
    # Without the only one that is read, Sigmoid(0) is left: middle grey.
    with ablation.without(network, "stages.15", 1):
        made = ablation.painted(network, some.image, some.hole)
    inside = some.hole.expand_as(made) > 0
    assert torch.allclose(made[inside], torch.tensor(0.5))
    assert torch.equal(made[~inside], some.image[~inside])
    assert np.array_equal(ablation.errors(network, some), whole)  # nothing stays removed
    told = ablation.portrait(network, "stages.15", 1, some)
    assert told.colour[0] == pytest.approx(told.colour[1], abs=1e-3)
    assert 0 <= told.coarse <= 1


@pytest.mark.parametrize("config", [IIZUKA, NetworkConfig(width=4, blocks=2, trained_side=32)])
def test_channels_are_ranked_on_the_page(data: Path, tmp_path: Path, config: NetworkConfig) -> None:
    make_completion(tmp_path / "n", config)
    written = page(tmp_path, "channels")
    asked = ["--data", str(data), "--network", str(tmp_path / "n"), "--page", str(written)]
    asked += ["--out", str(tmp_path / "out")]
    network, _ = load(tmp_path / "n")
    layers = ablation.usual_layers(config)
    assert all(network.get_submodule(layer) for layer in layers)
    assert channels.main([*asked, "--count", "2", "--layers", layers[0]]) == 0
    text = written.read_text("utf-8")
    assert f"Architecture `{config.architecture}`" in text
    drops = [
        float(r.split(" | ")[3]) for r in text.splitlines() if r.startswith("| `") and " to " in r
    ]
    assert drops == sorted(drops, reverse=True) and len(drops) == 3
    lines = text.splitlines()
    for rule in (n for n, line in enumerate(lines) if line.startswith("|---")):
        assert lines[rule - 1].count("|") == lines[rule].count("|") == lines[rule + 1].count("|")
    assert "Without it holes change by" in text and text.endswith("By hand.\n")
    assert written.with_name("channels-curves.png").stat().st_size > 1000
    assert (tmp_path / "out" / "channels-pictures.png").stat().st_size > 1000
    assert channels.main([*asked, "--layers", "stages.99"]) == 1
