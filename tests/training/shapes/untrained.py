"""Run folders of parts that were not trained: small, real, and made in a second."""

from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel

from training.shapes import autoencoder, tokenizer
from training.shapes.diffusion import TEXT_WIDTH, build_unet
from training.shapes.prepare import Preparation, prepare

EXAMPLES = 24


def make_runs(output: Path) -> Path:
    """Write autoencoder, text_encoder and denoiser into `output`; returns it."""
    torch.manual_seed(0)
    autoencoder.build().save_pretrained(output / "autoencoder" / "final")
    words = tokenizer.build()
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=TEXT_WIDTH,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.MAX_LENGTH,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    CLIPTextModel(config).save_pretrained(output / "text_encoder" / "final")
    tokenizer.save(words, output / "text_encoder" / "final")
    build_unet().save_pretrained(output / "denoiser" / "final")
    return output


def make_examples(folder: Path, *, controls: bool = False, task: str | None = None) -> Path:
    """Write one shard of examples, encoded by an untrained autoencoder; returns the folder."""
    torch.manual_seed(0)
    words = tokenizer.build()
    made_with = Preparation(autoencoder.build().eval(), words, 0, controls, task=task)
    prepare(folder, EXAMPLES, made_with, EXAMPLES)
    return folder
