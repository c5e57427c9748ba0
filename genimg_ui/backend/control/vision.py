"""What annotators on models of transformers have in common: safetensors, with their processor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoImageProcessor

from genimg_ui.backend.base import Rgb

FILES = ("config.json", "preprocessor_config.json", "model.safetensors")


class Vision:
    """A model with its image processor; `see` is what it says of a picture."""

    def __init__(self, processor: Any, model: Any) -> None:
        self.processor = processor
        self.model = model.eval()

    def to(self, device: torch.device) -> "Vision":
        self.model.to(device)
        return self

    def see(self, image: Rgb, side: int) -> Any:
        """The output for a picture, which the processor scales to `side` in its own way."""
        size = {"height": side, "width": side}
        inputs = self.processor(  # a narrow picture could be taken for one of other axes
            images=image, return_tensors="pt", size=size, input_data_format="channels_last"
        )
        with torch.no_grad():
            return self.model(pixel_values=inputs["pixel_values"].to(self.model.device))


def loader(auto_class: Any) -> Callable[[Path], Vision]:
    """Loads a folder by one of transformers' automatic classes; never runs code of a model."""

    def load(folder: Path) -> Vision:
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        model = auto_class.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return Vision(processor, model)

    return load
