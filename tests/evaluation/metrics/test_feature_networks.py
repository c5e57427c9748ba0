"""LPIPS, InceptionV3 and the stand-in: their formulas, with random weights where those are others'.

The published weights are downloads; what is done with them does not depend on their numbers.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_fidelity import feature_extractor_inceptionv3
from torchmetrics.functional.image.lpips import learned_perceptual_image_patch_similarity
from torchmetrics.image.fid import FrechetInceptionDistance
from torchvision.models import alexnet

from genimg_ui.evaluation.metrics import weights
from genimg_ui.evaluation.metrics.base import Pair, Undefined
from genimg_ui.evaluation.metrics.distributions import frechet_distance
from genimg_ui.evaluation.metrics.features import Inception, Lpips, StandIn
from tests.evaluation.metrics.made_pairs import pair, picture, worse

STAND_IN_VALUES = [-0.3908507, -0.5260786, 0.8194287, -0.3121660]
pytestmark = [
    pytest.mark.torch,
    # torchvision's, about how torchmetrics calls it.
    pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than"),
]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def network(hub: Path) -> torch.nn.Sequential:
    """AlexNet's features with random weights, where LPIPS looks for them."""
    torch.manual_seed(0)
    with torch.device("cpu"):
        model = alexnet(weights=None)
    torch.save(model.state_dict(), hub / weights.ALEXNET.file)
    return model.features.eval()


def _maps(features: torch.nn.Sequential, values: np.ndarray) -> list[torch.Tensor]:
    """The five layers of LPIPS, unit length along channels."""
    tensor = torch.from_numpy(values.transpose(2, 0, 1)[None] / np.float32(127.5)) - 1
    mean, deviation = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
    found = (tensor - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    maps = []
    with torch.no_grad():
        for number, layer in enumerate(features):
            found = layer(found)
            if number in (1, 4, 7, 9, 11):
                maps.append(found / (found.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10))
    return [one.clone() for one in maps]


def test_lpips_is_the_papers_formula(network: torch.nn.Sequential) -> None:
    for layer in network:
        layer.inplace = False
    one = pair(picture(96, 80), worse(picture(96, 80), 20))
    scores = Lpips()(one)
    linear = [layer.weight.detach() for layer in _linear_layers()]
    differences = [
        functional.conv2d((a - b) ** 2, weight)
        for a, b, weight in zip(
            _maps(network, one.result), _maps(network, one.original), linear, strict=True
        )
    ]
    whole = sum(float(difference.mean()) for difference in differences)
    assert scores["lpips"] == pytest.approx(whole, abs=1e-4) and whole > 1e-3
    wide = sum(
        functional.interpolate(d, size=(96, 80), mode="bilinear", align_corners=False)
        for d in differences
    )
    assert isinstance(wide, torch.Tensor)
    inside = float(wide[0, 0].numpy()[one.hole].mean())
    assert scores["lpips_hole"] == pytest.approx(inside, abs=1e-4)
    tensors = [
        torch.from_numpy(v.transpose(2, 0, 1)[None] / np.float32(255))
        for v in (one.result, one.original)
    ]
    other = learned_perceptual_image_patch_similarity(*tensors, net_type="alex", normalize=True)
    assert scores["lpips"] == pytest.approx(float(other), abs=1e-4)


def _linear_layers() -> list[torch.nn.Conv2d]:
    network = Lpips()._network
    return [layer.model[-1] for layer in network.lins]


def test_lpips_at_the_edges(network: torch.nn.Sequential) -> None:
    assert network is not None
    lpips, original = Lpips(), picture(64, 64)
    assert lpips(pair(original, original)) == {"lpips": 0.0, "lpips_hole": 0.0}
    flat = np.full((64, 64, 3), 9, np.uint8)
    found = lpips(pair(flat, flat + 60))
    assert all(isinstance(value, float) and np.isfinite(value) for value in found.values())
    empty = Pair(result=worse(original), original=original, mask=np.zeros((64, 64), np.uint8))
    assert isinstance(lpips(empty)["lpips_hole"], Undefined)
    empty.mask[5, 5] = 1
    assert isinstance(lpips(empty)["lpips_hole"], float)
    small = lpips(pair(picture(31, 64)))["lpips"]
    assert isinstance(small, Undefined) and "at least 32 pixels, got 64x31" in small.sentence
    assert isinstance(lpips(pair(picture(32, 32)))["lpips"], float)


def test_inception_features_make_torchmetrics_fid(hub: Path) -> None:
    """A distance of features with random weights: 64 x 64 pictures, brought to 299 x 299."""
    torch.manual_seed(0)
    path = hub / weights.INCEPTION.file
    _save_random_inception(path)
    pictures = [picture(64, 64, seed) for seed in range(2)]
    others = [worse(one, 30) for one in pictures]
    network = Inception(path)
    found = network(pictures)
    assert found.shape == (2, 2048)
    fid = FrechetInceptionDistance(feature=network._network)
    for values, real in ((pictures, True), (others, False)):
        fid.update(torch.from_numpy(np.stack(values).transpose(0, 3, 1, 2)), real=real)
    distance = frechet_distance(found, network(others))
    assert distance == pytest.approx(float(fid.compute()), rel=1e-3, abs=1e-4)


def _save_random_inception(path: Path) -> None:
    from_names = feature_extractor_inceptionv3
    kind = from_names.FeatureExtractorInceptionV3
    load = torch.nn.Module.load_state_dict
    with pytest.MonkeyPatch.context() as patch:
        # The network is made only with weights: let it keep those that it begins with.
        patch.setattr(from_names, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(kind, "load_state_dict", lambda self, state: load(self, state, strict=False))
        torch.save(kind("inception-v3-compat", ["2048"]).state_dict(), path)


def test_the_stand_in_tells_good_fills_from_bad_ones() -> None:
    stand_in = StandIn()
    originals = [picture(96, 96, seed) for seed in range(24)]
    features = stand_in(originals)
    assert features.shape == (24, 64) and features.dtype == np.float64

    def distance(results: list[np.ndarray]) -> float:
        filled = [original.copy() for original in originals]
        for copy, result in zip(filled, results, strict=True):
            copy[30:70, 20:60] = result[30:70, 20:60]
        return frechet_distance(features, stand_in(filled))

    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    soft = distance([cv2.GaussianBlur(one, (0, 0), 1.5) for one in originals])
    grey = distance([np.full_like(noise, 128)] * 24)
    assert distance(originals) < 1e-9 < soft < min(grey, distance([noise] * 24))


def test_the_stand_in_is_the_same_for_ever() -> None:
    values = np.random.RandomState(5).randint(0, 256, (50, 40, 3)).astype(np.uint8)
    first = StandIn()([values])[0]
    assert first[:4] == pytest.approx(STAND_IN_VALUES, abs=1e-4)
    assert np.array_equal(first, StandIn()([values])[0])
    assert not np.allclose(first, StandIn(seed=1)([values])[0])
    together = StandIn()([values, picture(64, 64)])
    assert together[0] == pytest.approx(first, abs=1e-4)
