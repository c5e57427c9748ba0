"""The size of networks from the headers of their files."""

import json

import numpy as np
from safetensors.numpy import save_file

from genimg_ui.weights.volumes import network, networks


def _component(folder, *, config=None, **files):
    folder.mkdir(parents=True)
    for name, count in files.items():
        path = folder / f"{name.replace('__', '.').replace('_of_', '-of-')}.safetensors"
        save_file({"a": np.zeros((count, 2), np.float16), "b": np.zeros(3, np.float16)}, path)
    (folder / "config.json").write_text(json.dumps(config or {}))
    return folder


def test_every_number_of_every_file_is_counted(tmp_path):
    folder = _component(tmp_path / "unet", model_00001_of_00002=5, model_00002_of_00002=7)
    found = network(folder)
    assert (found.name, found.elements) == ("unet", 2 * 12 + 6)


def test_files_of_the_variant_are_preferred_and_others_left_alone(tmp_path):
    folder = _component(tmp_path / "unet", model=5, model__fp16=1)
    assert network(folder, "fp16").elements == 5
    assert network(folder).elements == 13
    assert network(folder, "bf16").elements == 13


def test_folders_without_weights_are_none(tmp_path):
    _component(tmp_path / "unet", config={"block_out_channels": [32]}, model=1)
    (tmp_path / "scheduler").mkdir()
    _component(tmp_path / "vae")
    (tmp_path / "vae" / "model.safetensors").write_bytes(b"\xff" * 9)
    found = networks(tmp_path)
    assert [(item.name, item.config) for item in found] == [("unet", {"block_out_channels": [32]})]
