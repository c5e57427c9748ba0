"""Annotators with weights, on real networks with random weights in their own on-disk formats."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    ConvNextConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTImageProcessor,
    SegformerImageProcessor,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control.annotating import _MODULES, Annotators
from genimg_ui.backend.control.library import controlnet_aux
from genimg_ui.core.annotators import ANNOTATORS
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.fetch import OnFetching
from tests.editing import photograph


def make_pidinet(folder: Path) -> Path:
    torch.manual_seed(5)
    network = controlnet_aux.pidi.pidinet()
    weights = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": weights}, folder / "table5_pidinet.pth")
    return folder


def make_mlsd(folder: Path) -> Path:
    torch.manual_seed(5)
    network = controlnet_aux.mlsd.MobileV2_MLSD_Large()
    torch.save(network.state_dict(), folder / "mlsd_large_512_fp32.pth")
    return folder


def make_depth(folder: Path) -> Path:
    torch.manual_seed(5)
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        patch_size=14,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessor(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
    ).save_pretrained(folder)
    return folder


def make_upernet(folder: Path) -> Path:
    torch.manual_seed(5)
    backbone = ConvNextConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        num_labels=150,
        auxiliary_in_channels=16,
        auxiliary_channels=8,
        pool_scales=[1, 2],
    )
    UperNetForSemanticSegmentation(config).eval().save_pretrained(folder)
    SegformerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


MAKERS = {
    "pidinet": make_pidinet,
    "pidinet_scribble": make_pidinet,
    "mlsd": make_mlsd,
    "depth_anything": make_depth,
    "upernet": make_upernet,
}
IMAGE = np.asarray(photograph(97, 61))


def unit_of(name: str, **parameters: float) -> ControlUnit:
    values = {"detect_resolution": 64.0} | parameters
    return ControlUnit(kind=ANNOTATORS[name].kind, annotator=name, parameters=values)


def annotators(**sources: str) -> Annotators:
    return Annotators(importlib.import_module, sources=sources)


def draw(made: Annotators, unit: ControlUnit, image: Rgb = IMAGE) -> Rgb:
    return made.annotate(unit, image, np.zeros(image.shape[:2], np.bool_), OnFetching())


@pytest.mark.parametrize("name", MAKERS)
def test_a_network_draws_a_map_of_exactly_the_crops_size(name: str, tmp_path: Path):
    made = annotators(**{name: str(MAKERS[name](tmp_path))})
    for image in (IMAGE, IMAGE[:1, :1], IMAGE[:3, :], IMAGE[:, :2]):
        drawn = draw(made, unit_of(name), image)
        assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    record = made.record(unit_of(name))
    assert (record.name, record.files[0].bytes > 0) == (ANNOTATORS[name].kind, True)
    assert record.source.startswith(f"{name} of ") and record.revision


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("pidinet", {"detect_resolution": 128}),
        ("pidinet", {"safe": 1}),
        ("depth_anything", {"detect_resolution": 112}),
        ("upernet", {"detect_resolution": 128}),
        ("mlsd", {"thr_v": 2}),
        ("mlsd", {"thr_d": 15}),
    ],
)
def test_every_parameter_reaches_the_network(name: str, parameters: dict, tmp_path: Path):
    made = annotators(**{name: str(MAKERS[name](tmp_path))})
    first = {"thr_v": 0.01, "thr_d": 0.01} if name == "mlsd" else {}
    usual = draw(made, unit_of(name, **first))
    other = draw(made, unit_of(name, **first | parameters))
    assert not np.array_equal(usual, other)


def test_a_depth_map_spans_black_to_white(tmp_path: Path):
    drawn = draw(annotators(depth_anything=str(make_depth(tmp_path))), unit_of("depth_anything"))
    assert (drawn.min(), drawn.max()) == (0, 255)
    assert (drawn[..., 0] == drawn[..., 2]).all()


def test_only_one_network_is_in_memory(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    made = annotators(
        pidinet=str(make_pidinet(tmp_path / "a")), depth_anything=str(make_depth(tmp_path / "b"))
    )
    draw(made, unit_of("pidinet"))
    first = made._loaded
    draw(made, unit_of("pidinet"))
    assert made._loaded is first
    draw(made, unit_of("depth_anything"))
    assert made._name == "depth_anything"
    made.release()
    assert made._loaded is None


def test_absent_weights_are_refused_with_what_to_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(ModelUnavailable, match=r"the folder .* lacks table5_pidinet\.pth"):
        draw(annotators(pidinet=str(tmp_path)), unit_of("pidinet"))
    monkeypatch.setattr("genimg_ui.weights.folders.hub_reachable", lambda: False)
    with pytest.raises(ModelUnavailable, match="needs ControlNetHED.pth of lllyasviel/Annotators"):
        draw(annotators(), unit_of("hed"))


def test_a_torn_file_is_refused_in_a_sentence(tmp_path: Path):
    (tmp_path / "table5_pidinet.pth").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ModelUnavailable, match="The annotator pidinet could not be loaded"):
        draw(annotators(pidinet=str(tmp_path)), unit_of("pidinet"))


class Bomb:
    """Pickled, it writes a file when it is read by a reader that runs what it reads."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


def test_a_file_of_weights_runs_no_code(tmp_path: Path):
    struck = tmp_path / "struck"
    torch.save({"state_dict": Bomb(struck)}, tmp_path / "table5_pidinet.pth")
    with pytest.raises(ModelUnavailable):
        draw(annotators(pidinet=str(tmp_path)), unit_of("pidinet"))
    assert not struck.exists()


def test_every_annotator_with_weights_has_a_network():
    wanted = {name for name, item in ANNOTATORS.items() if item.source}
    assert set(_MODULES) == wanted
    for name, module in _MODULES.items():
        assert name in importlib.import_module(module).NETWORKS
