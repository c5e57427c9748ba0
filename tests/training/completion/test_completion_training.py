"""A training of a completion network: it learns, resumes exactly, and its switches switch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from genimg_ui.backend.completion.weights import load  # noqa: E402
from training.completion.average import average  # noqa: E402
from training.completion.batches import Batch, draw_holes, to_batch  # noqa: E402
from training.completion.discriminators import Discriminators, around  # noqa: E402
from training.completion.gallery import Gallery  # noqa: E402
from training.completion.objective import Lesson, Phase, hole_loss, phase_at  # noqa: E402
from training.completion.pictures import Pictures, centre, crops, open_pictures  # noqa: E402
from training.completion.recipe import Recipe  # noqa: E402
from training.completion.start import take_over  # noqa: E402
from training.completion.train import begin, main, parse, recipe_from, train  # noqa: E402
from training.loop import CHECKPOINT, Options  # noqa: E402

pytestmark = pytest.mark.torch
TINY = Recipe(
    width=4, blocks=1, size=32, batch=4, rate=3e-3, warmup=1, discriminator_width=2, held=3
)
PAPER = replace(TINY, architecture="iizuka", width=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    root = tmp_path_factory.mktemp("photographs")
    write(root / "pictures")
    return open_pictures(root / "pictures", root / "cache", side=40)


def write(folder: Path, count: int = 9) -> None:
    """Stripes of two colours, in any direction and phase, so that there is something to learn."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:48, :64] / 6
    for number in range(count):
        angle, phase = rng.uniform(0, 3.1), rng.uniform(0, 6)
        wave = np.sin(x * np.cos(angle) + y * np.sin(angle) + phase)[..., None] * 0.5 + 0.5
        colours = rng.integers(0, 256, (2, 3))
        pixels = (wave * colours[0] + (1 - wave) * colours[1]).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=95)


def options(out: Path, steps: int) -> Options:
    return Options(out=out, steps=steps, threads=1)


def states(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    found = {f"model.{name}": value for name, value in state["model"].items()}
    found |= {f"average.{name}": v for name, v in state["average"]["weights"].items()}
    critic = state["beside"].get("critic", {})
    return found | {f"critic.{name}": value for name, value in critic.items()}


@pytest.mark.parametrize("recipe", [TINY, PAPER], ids=["fourier", "iizuka"])
def test_an_interrupted_training_ends_as_one_that_went_through(
    data: Pictures, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(recipe, reconstruction=0.3, discriminators_alone=0.2)
    train(options(tmp_path / "through", 10), recipe, data)

    class Killed(Exception):
        pass

    usual = Lesson.step
    seen: list[Phase] = []

    def stopping(self: Lesson, batch: Batch, phase: Phase) -> object:
        if len(seen) == 6:
            raise Killed
        seen.append(phase)
        return usual(self, batch, phase)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Lesson, "step", stopping)
        often = replace(options(tmp_path / "stopped", 10), checkpoint_minutes=0.0)
        train(often, recipe, data)
    assert set(seen) == set(Phase)
    torch.manual_seed(99)
    train(options(tmp_path / "stopped", 10), recipe, data)
    through, again = states(tmp_path / "through"), states(tmp_path / "stopped")
    assert through.keys() == again.keys() and any(name.startswith("critic") for name in through)
    for name, value in through.items():
        torch.testing.assert_close(again[name], value, rtol=0, atol=0, msg=name)


def test_a_training_lowers_the_error_and_writes_what_the_app_loads(
    data: Pictures, tmp_path: Path
) -> None:
    recipe = replace(TINY, width=8, discriminators="none")
    final = train(options(tmp_path / "run", 120), recipe, data)
    network, config = load(final)
    assert config.architecture == "fourier" and config.trained_side == 32
    gallery = Gallery(data, data.split(3)[1], 32, torch.device("cpu"))
    learnt = gallery.scores(gallery.completed(network, blend=config.blend))
    assert learnt.mse < 0.9 * gallery.smooth().mse
    out = tmp_path / "run"
    with Image.open(next(iter(sorted(out.glob("samples-*.png"))))) as grid:
        assert grid.size == (3 * 32, 3 * 32)
    assert (out / "loss.png").exists()
    card = (final / "README.md").read_text(encoding="utf-8")
    assert "120 steps, 480 crops" in card and "Not stated" in card and data.digest in card


@pytest.mark.parametrize(("which", "towers"), [("both", 2), ("global", 1), ("local", 1)])
def test_each_discriminator_can_be_switched(which: str, towers: int) -> None:
    torch.manual_seed(0)
    critic = Discriminators(which, 32, 2)
    image = torch.rand(1, 3, 32, 32)
    hole = torch.zeros(1, 1, 32, 32)
    hole[..., 2:8, 2:8] = 1
    logits, features = critic(image, hole)
    assert logits.shape == (1, 1)
    assert len([m for m in critic.modules() if isinstance(m, torch.nn.Linear)]) == towers + 1
    far = image.clone()
    far[..., 28:, 28:] = 0  # only the one that sees the whole picture can tell
    assert torch.equal(critic(far, hole)[0], logits) == (which == "local")
    near = image.clone()
    near[..., 4:6, 4:6] = 0
    assert not torch.equal(critic(near, hole)[0], logits)


def test_without_discriminators_nothing_else_learns(data: Pictures, tmp_path: Path) -> None:
    recipe = replace(TINY, discriminators="none")
    assert {phase_at(recipe, f / 10) for f in range(10)} == {Phase.RECONSTRUCTION}
    assert begin(options(tmp_path, 1), recipe, data, torch.device("cpu")).critic is None
    phases = [phase_at(Recipe(), fraction) for fraction in (0, 0.17, 0.18, 0.199, 0.2, 1)]
    assert phases == [Phase.RECONSTRUCTION] * 2 + [Phase.DISCRIMINATORS] * 2 + [Phase.BOTH] * 2


def one_step(recipe: Recipe, phase: Phase, data: Pictures, tmp_path: Path) -> tuple[object, object]:
    """What one step leaves of network and discriminators, from the same start."""
    torch.manual_seed(1)
    learners = begin(options(tmp_path, 1), recipe, data, torch.device("cpu"))
    rng = np.random.default_rng(0)
    pixels = crops(data, np.arange(9), 4, 32, rng)
    batch = to_batch(pixels, draw_holes(["blob"], 4, 32, rng), torch.device("cpu"))
    Lesson(learners, recipe).step(batch, phase)
    flat = torch.nn.utils.parameters_to_vector
    critic = learners.critic
    return (
        flat(learners.network.parameters()).detach(),
        None if critic is None else flat(critic.parameters()).detach(),
    )


def test_each_phase_teaches_whom_it_says(data: Pictures, tmp_path: Path) -> None:
    torch.manual_seed(1)
    start = begin(options(tmp_path, 1), TINY, data, torch.device("cpu"))
    flat = torch.nn.utils.parameters_to_vector
    network, critic = flat(start.network.parameters()), flat(start.critic.parameters())
    moved = {
        phase: tuple(
            not torch.equal(before, after)
            for before, after in zip(
                (network, critic), one_step(TINY, phase, data, tmp_path), strict=True
            )
        )
        for phase in Phase
    }
    assert moved == {
        Phase.RECONSTRUCTION: (True, False),
        Phase.DISCRIMINATORS: (False, True),
        Phase.BOTH: (True, True),
    }


def test_two_cores_learn_what_one_does(data: Pictures, tmp_path: Path) -> None:
    found = []
    for threads in (1, 2):
        torch.manual_seed(1)
        told = Options(out=tmp_path, steps=1, threads=threads)
        learners = begin(told, TINY, data, torch.device("cpu"))
        assert learners.lanes.count == threads
        learners.network.leave[-1].weight.data.normal_()
        rng = np.random.default_rng(0)
        pixels = crops(data, np.arange(9), 4, 32, rng)
        batch = to_batch(pixels, draw_holes(["blob"], 4, 32, rng), torch.device("cpu"))
        Lesson(learners, TINY).step(batch, Phase.BOTH)
        both = [*learners.network.parameters(), *learners.critic.parameters()]
        found.append(torch.cat([parameter.grad.flatten() for parameter in both]))
    assert torch.allclose(*found, atol=1e-5) and found[0].abs().max() > 1e-3
    # Its running means would depend on which core comes first.
    paper = begin(replace(told, threads=2), PAPER, data, torch.device("cpu"))
    assert paper.lanes.count == 1 and paper.critic_lanes.count == 1


@pytest.mark.parametrize(
    "change", [{"loss": "l1"}, {"adversarial": 0.5}, {"feature_matching": 0.5}], ids=str
)
def test_losses_and_weights_count(
    change: dict[str, object], data: Pictures, tmp_path: Path
) -> None:
    # Iizuka, since the other network's last layer begins at nothing.
    usual = one_step(PAPER, Phase.BOTH, data, tmp_path)[0]
    other = one_step(replace(PAPER, **change), Phase.BOTH, data, tmp_path)[0]
    assert not torch.equal(usual, other)


def test_the_loss_is_the_mean_error_in_the_hole() -> None:
    hole = torch.zeros(2, 1, 4, 4)
    hole[0, :, :2] = 1
    batch = Batch(torch.zeros(2, 3, 4, 4), hole)
    made = torch.full((2, 3, 4, 4), 0.5)
    share = float(hole.mean())
    assert float(hole_loss(made, batch, "l2", share)) == pytest.approx(0.25)
    assert float(hole_loss(made, batch, "l1", share)) == pytest.approx(0.5)


def test_the_local_square_is_around_the_hole_and_inside_the_picture() -> None:
    image = torch.arange(64.0).view(1, 1, 8, 8)
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., 5:7, 3:5] = 1
    assert torch.equal(around(image, hole, 4), image[..., 4:8, 2:6])
    hole[..., 0, 0] = 1  # now the box reaches from (0, 0) to (6, 4)
    assert torch.equal(around(image, hole, 4), image[..., 1:5, 0:4])


def test_pictures_are_read_once_and_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pictures")
    first = open_pictures(tmp_path / "pictures", tmp_path / "cache", side=24)
    monkeypatch.setattr(Image, "open", None)
    again = open_pictures(tmp_path / "pictures", tmp_path / "cache", side=24)
    assert len(again) == 9 and again.digest == first.digest
    assert again[3].shape == (24, 32, 3) and np.array_equal(again[3], first[3])
    learnt, held = again.split(2)
    assert len(learnt) == 7 and not set(learnt) & set(held)
    assert np.array_equal(again.split(2)[1], held)
    monkeypatch.undo()
    (tmp_path / "pictures" / "0.jpg").unlink()
    assert open_pictures(tmp_path / "pictures", tmp_path / "cache", side=24).digest != first.digest


def test_crops_vary_in_place_scale_and_side(data: Pictures) -> None:
    made = crops(data, np.array([0]), 40, 24, np.random.default_rng(0))
    assert made.shape == (40, 24, 24, 3) and len(np.unique(made.reshape(40, -1), axis=0)) == 40
    again = crops(data, np.array([0]), 40, 24, np.random.default_rng(0))
    assert np.array_equal(made, again)
    assert centre(data[0], 24).shape == (24, 24, 3)


@pytest.mark.parametrize("kind", ["rectangles", "strokes", "blob", "border"])
def test_holes_are_of_the_kind_that_is_asked_for(kind: str) -> None:
    made = draw_holes([kind], 12, 32, np.random.default_rng(1))
    share = (made > 0).mean(axis=(1, 2))
    assert made.shape == (12, 32, 32) and set(np.unique(made)) == {0, 255}
    assert ((share > 0.01) & (share <= 0.41)).all() and len(set(share.tolist())) > 1 - (
        kind == "border"
    )


def test_a_folder_without_pictures_or_with_a_broken_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold pictures .* got none"):
        open_pictures(tmp_path, tmp_path / "cache")
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read as a picture"):
        open_pictures(tmp_path, tmp_path / "cache")


def test_a_run_of_another_recipe_is_not_gone_on_with(data: Pictures, tmp_path: Path) -> None:
    train(options(tmp_path, 1), TINY, data)
    with pytest.raises(ValueError, match=r"loss l2 \(now l1\); choose another --out"):
        train(options(tmp_path, 2), replace(TINY, loss="l1"), data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": 30}, "size must be a multiple of 8 from 16, got 30"),
        ({"discriminators": "all"}, "discriminators must be one of both, global, local, none"),
        ({"holes": ("blob", "heart")}, 'holes must be one of .*, got "heart"'),
        ({"reconstruction": 0.99}, "must be parts of 1, got 0.99 and 0.02"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(Recipe(), **change)


def test_every_choice_has_a_flag() -> None:
    told = ["--data", "x", "--loss", "l1", "--holes", "blob", "blob", "border", "--size", "64"]
    recipe = recipe_from(parse([*told, "--device", "cpu", "--feature-matching", "0.2"]))
    assert recipe == replace(
        Recipe(), loss="l1", holes=("blob", "blob", "border"), size=64, feature_matching=0.2
    )
    assert recipe_from(parse(["--data", "x", "--device", "cuda"])).bfloat16
    assert recipe_from(parse(["--data", "x", "--device", "cpu", "--bfloat16"])).bfloat16


def test_one_command_trains_and_tells_where_its_pictures_come_from(tmp_path: Path) -> None:
    write(tmp_path / "pictures")
    (tmp_path / "whose.md").write_text("Pictures of stripes, CC0.\n")
    flags = "--steps 3 --threads 1 --device cpu --width 4 --blocks 1 --size 32 --batch 4 --held 2"
    named = ["--data", "pictures", "--out", "run", "--cache", "cache", "--provenance", "whose.md"]
    paths = [part if part.startswith("--") else str(tmp_path / part) for part in named]
    main([*flags.split(), "--discriminator-width", "2", "--bfloat16", *paths])
    card = (tmp_path / "run" / "final" / "README.md").read_text(encoding="utf-8")
    assert "Pictures of stripes, CC0." in card and "3 steps, 12 crops" in card
    assert "discriminators (both) alone for 2%" in " ".join(card.split())


def test_a_training_begins_with_the_averaged_weights_of_another(
    data: Pictures, tmp_path: Path
) -> None:
    train(options(tmp_path / "first", 3), replace(TINY, discriminators="none"), data)
    learners = begin(options(tmp_path / "second", 1), TINY, data, torch.device("cpu"))
    take_over(learners.network, tmp_path / "first", tmp_path / "second")
    for name, weight in torch.load(tmp_path / "first" / CHECKPOINT)["average"]["weights"].items():
        assert torch.equal(learners.network.state_dict()[name], weight)
    folder = train(options(tmp_path / "third", 1), TINY, data, tmp_path / "first")
    assert "Before: 3 steps, 12 crops of 32 px" in (folder / "README.md").read_text()


def test_the_weights_of_another_network_are_not_taken_over(data: Pictures, tmp_path: Path) -> None:
    train(options(tmp_path / "first", 1), replace(TINY, discriminators="none"), data)
    with pytest.raises(ValueError, match="holds another network"):
        train(options(tmp_path / "other", 1), replace(TINY, width=8), data, tmp_path / "first")
    with pytest.raises(ValueError, match=r"holds no checkpoint\.pt"):
        train(options(tmp_path / "none", 1), TINY, data, tmp_path / "nowhere")


def test_two_stages_are_averaged(data: Pictures, tmp_path: Path) -> None:
    plain = replace(TINY, discriminators="none")
    first = train(options(tmp_path / "first", 1), plain, data)
    second = train(options(tmp_path / "second", 2), plain, data, tmp_path / "first")
    average(first, second, tmp_path / "mean")
    (network, _), (one, _), (other, _) = (load(f) for f in (tmp_path / "mean", first, second))
    for name, weight in network.state_dict().items():
        middle = (one.state_dict()[name] + other.state_dict()[name]) / 2
        assert torch.allclose(weight, middle, atol=1e-3)
    assert "Averaged" in (tmp_path / "mean" / "README.md").read_text()
    other_size = train(options(tmp_path / "wide", 1), replace(plain, width=8), data)
    with pytest.raises(ValueError, match="must hold one network"):
        average(first, other_size, tmp_path / "none")
