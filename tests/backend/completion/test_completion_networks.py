"""The networks themselves: sizes, fields, the smooth fill that one begins with, blended edges."""

import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

torch = pytest.importorskip("torch")

from genimg_ui.backend.completion.blending import blended  # noqa: E402
from genimg_ui.backend.completion.fourier import Fourier  # noqa: E402
from genimg_ui.backend.completion.iizuka import Iizuka  # noqa: E402
from genimg_ui.backend.completion.layers import smooth_fill  # noqa: E402

pytestmark = pytest.mark.torch


def pair(height: int, width: int) -> tuple[object, object]:
    torch.manual_seed(3)
    hole = torch.zeros(2, 1, height, width)
    hole[..., height // 4 : height // 2, width // 4 : width // 2] = 1
    return torch.rand(2, 3, height, width), hole


def test_the_papers_network_has_its_layers_and_parameters() -> None:
    network = Iizuka()
    convolutions = [
        m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
    ]
    assert len(convolutions) == 17
    assert [m.dilation[0] for m in convolutions if m.dilation[0] > 1] == [2, 4, 8, 16]
    assert 6.0e6 < sum(p.numel() for p in network.parameters()) < 6.2e6


@pytest.mark.parametrize("network", [Iizuka(4), Fourier(4, 2)], ids=["iizuka", "fourier"])
def test_a_network_keeps_sizes_and_does_not_see_the_hole(network: object) -> None:
    network.eval()
    for parameter in network.parameters():  # the last layer of one begins at nothing
        parameter.data += 0.02
    image, hole = pair(40, 24)
    with torch.no_grad():
        made = network(image, hole)
        assert made.shape == image.shape
        assert torch.equal(network(torch.where(hole > 0, 0.9, image), hole), made)
        assert not torch.equal(network(torch.where(hole > 0, image, image * 0.9), hole), made)


def test_the_field_of_fourier_convolutions_is_the_whole_picture() -> None:
    network = Fourier(4, 1).eval()
    torch.nn.init.normal_(network.leave[-1].weight)
    image, hole = pair(256, 256)
    image, hole = image[:1].requires_grad_(), hole[:1]
    painted = network(image, hole) - smooth_fill(image.detach(), hole)
    seen = torch.autograd.grad(painted[0, :, 96, 96].sum(), image)[0].abs().amax((0, 1))
    assert seen[250, 250] > 0 and seen[4, 250] > 0


def test_an_untrained_fourier_network_continues_smoothly() -> None:
    image, hole = pair(32, 48)
    with torch.no_grad():
        made = Fourier(4, 1)(image, hole)
    assert torch.equal(made, smooth_fill(image, hole))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (33, 16)])
def test_a_smooth_fill_keeps_what_is_known(height: int, width: int) -> None:
    torch.manual_seed(1)
    image = torch.rand(1, 3, height, width)
    hole = (torch.rand(1, 1, height, width) < 0.4).float()
    hole[..., 0, 0] = 0
    filled = smooth_fill(image, hole)
    assert torch.equal(torch.where(hole > 0, 0, filled), torch.where(hole > 0, 0, image))
    known = image[(hole == 0).expand_as(image)]
    assert filled.min() >= known.min() - 1e-6 and filled.max() <= known.max() + 1e-6
    assert smooth_fill(image, torch.ones_like(hole)).abs().max() == 0


def test_a_smooth_fill_is_near_the_membrane() -> None:
    """Against Laplace's equation, solved as a sparse system."""
    y, x = np.mgrid[:40, :40] / 40
    image = np.stack([x * y, np.sin(3 * x), y * y]).astype(np.float32)
    hole = np.zeros((40, 40), bool)
    hole[10:26, 12:30] = True
    numbers = -np.ones((40, 40), int)
    numbers[hole] = np.arange(hole.sum())
    system, right = lil_matrix((hole.sum(),) * 2), np.zeros((hole.sum(), 3))
    for row, column in np.argwhere(hole):
        at = numbers[row, column]
        system[at, at] = 4
        for there in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if hole[there]:
                system[at, numbers[there]] = -1
            else:
                right[at] += image[:, there[0], there[1]]
    wanted = spsolve(system.tocsr(), right)
    tensor = torch.from_numpy(image)[None]
    filled = smooth_fill(tensor, torch.from_numpy(hole)[None, None].float())[0].numpy()
    apart = np.abs(filled[:, hole].T - wanted)
    assert apart.max() < 0.06 and apart.mean() < 0.015


def test_blending_takes_a_tint_away_and_leaves_detail() -> None:
    rng = np.random.default_rng(2)
    picture = (rng.random((60, 50, 3)) * 0.1 + 0.4).astype(np.float32)
    hole = np.zeros((60, 50), bool)
    hole[20:60, 15:40] = True  # reaches the picture's border, as a border of an edit does
    tinted = picture + np.float32([0.2, -0.1, 0.05])
    mended = blended(tinted, picture, hole)
    assert np.array_equal(mended[~hole], tinted[~hole])
    left = (mended - picture)[hole]
    assert np.abs(left.mean(axis=0)).max() < 0.015
    assert np.corrcoef(mended[hole][:, 0], picture[hole][:, 0])[0, 1] > 0.9


def test_blending_without_a_hole_or_without_an_edge_changes_nothing() -> None:
    made = np.random.default_rng(0).random((9, 8, 3)).astype(np.float32)
    for hole in (np.zeros((9, 8), bool), np.ones((9, 8), bool)):
        assert np.array_equal(blended(made, np.zeros_like(made), hole), made)
