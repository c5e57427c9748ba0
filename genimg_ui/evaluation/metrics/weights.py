"""Feature networks whose weights are files of others: where they must lie, and what to fetch.

Nothing is downloaded here. The folder is that of torch.hub, where the libraries that publish these
networks keep them too.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from genimg_ui.weights.folders import cached_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One published file; `sha256_start` is the beginning of its digest, as its name has it."""

    title: str
    file: str
    url: str
    megabytes: int
    sha256_start: str

    @property
    def path(self) -> Path:
        """Where it lies once it was downloaded."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file

    def lack(self) -> str | None:
        """Why it cannot be used and what to do, in a sentence; None where it can."""
        fetch = f"Download {self.url} ({self.megabytes} MB) to {_shown(self.path)}."
        if not self.path.is_file():
            return f"needs the weights of {self.title}, which are not here. {fetch}"
        if not _digest(self.path).startswith(self.sha256_start):
            return (
                f"needs the weights of {self.title}, and {self.path.name} is incomplete or "
                f"another file: its SHA-256 does not begin with {self.sha256_start}. {fetch}"
            )
        return None


INCEPTION = Checkpoint(
    title="InceptionV3 (TensorFlow's of 2015-12-05)",
    file="weights-inception-2015-12-05-6726825d.pth",
    url=(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth"
    ),
    megabytes=91,
    sha256_start="6726825d",
)
ALEXNET = Checkpoint(
    title="AlexNet",
    file="alexnet-owt-7be5be79.pth",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    megabytes=233,
    sha256_start="7be5be79",
)
CLIP = "openai/clip-vit-base-patch32"  # the network of Hessel et al. 2021


def clip_folder() -> Path | None:
    """The folder of the CLIP model in the hub's cache; None where it is not there."""
    return cached_snapshot(CLIP)


def clip_lack() -> str:
    """What to do where CLIP is absent or incomplete, in a sentence."""
    return (
        f"needs the weights of the CLIP model {CLIP}, which are not here or not whole. "
        f"Download them with `hf download {CLIP}` (about 600 MB)."
    )


def _shown(path: Path) -> str:
    """The place without the names of this machine's own folders: reports are given to others."""
    home = Path.home()
    if path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return f"checkpoints/{path.name} in the folder of torch.hub"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
