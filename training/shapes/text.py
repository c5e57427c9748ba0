"""The frozen text encoder as the other trainings use it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from training.loop import OUTPUT
from training.shapes.tokenizer import token_ids

TEXT_ENCODER = OUTPUT / "text_encoder" / "final"


class FrozenText:
    """Tokenizer and text encoder of one folder, as the pipelines apply them.

    The folder is one that `training.shapes.text_encoder` wrote: weights and tokenizer side by
    side, or each in a folder of its own.
    """

    def __init__(self, folder: Path, device: torch.device | str = "cpu") -> None:
        both = (folder / "tokenizer").is_dir()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer" if both else folder)
        model = CLIPTextModel.from_pretrained(
            folder / "text_encoder" if (folder / "text_encoder").is_dir() else folder,
            dtype=torch.float32,
        )
        self.model = model.to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def states(self, ids: Tensor) -> Tensor:
        """Last hidden states (N, 32, 128) of token numbers (N, 32); equal rows are run once."""
        unique, where = torch.unique(ids, dim=0, return_inverse=True)
        states: Tensor = self.model(unique).last_hidden_state[where]
        return states

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Last hidden states of texts."""
        return self.states(token_ids(self.tokenizer, texts).to(self.model.device))
