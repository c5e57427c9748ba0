"""Begins a training with what another one has learnt."""

import json
from pathlib import Path

import torch
from torch import nn

from training.completion.recipe import FILE
from training.loop import CHECKPOINT

BEFORE = "before.json"


def take_over(network: nn.Module, start: Path, out: Path) -> None:
    """Copy the averaged weights of the run in `start` into the network; `out` keeps what it was.

    Raises ValueError where there is no such run, or its network is another one.
    """
    checkpoint = start / CHECKPOINT
    if not checkpoint.exists():
        raise ValueError(f"{start} must be the folder of a run, but holds no {CHECKPOINT}")
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    try:
        network.load_state_dict(state["model"] | state["average"]["weights"])
    except RuntimeError as error:
        raise ValueError(f"{start} holds another network: {error}") from error
    steps, pictures, seconds = state["counters"]
    told = json.loads((start / FILE).read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    before = {"steps": steps, "pictures": pictures, "minutes": seconds / 60, "recipe": told}
    (out / BEFORE).write_text(json.dumps(before, indent=2) + "\n", encoding="utf-8")


def said_of_before(out: Path) -> str:
    """A sentence for the card of what the run in `out` began with, "" where with nothing."""
    path = out / BEFORE
    if not path.exists():
        return ""
    before = json.loads(path.read_text(encoding="utf-8"))
    recipe = before["recipe"]
    return (
        f"Before: {before['steps']:,} steps, {before['pictures']:,} crops of {recipe['size']} px, "
        f"{before['minutes']:.0f} minutes, loss {recipe['loss']}, discriminators: "
        f"{recipe['discriminators']}.\n"
    )
