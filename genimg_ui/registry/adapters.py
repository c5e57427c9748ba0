"""What can be added to a model for one edit: LoRAs, textual inversions, reference adapters.

Each is named in the model's entry of models.yaml, with where its weights lie.
"""

from dataclasses import dataclass
from pathlib import Path

from genimg_ui.core.adapters import FewSteps, LoraOffer
from genimg_ui.weights.folders import is_hub_id

SUFFIX = ".safetensors"
ENCODER_FILES = ("config.json", "model.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """Where an addition's weights lie: a hub id, a folder or a file, and the file's name in it.

    `file` may be empty where the place holds a single .safetensors file.
    """

    source: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSpec(AddedFile):
    """One LoRA of a model's list."""

    name: str
    scale: float = 1.0  # what the page begins with
    trigger: str = ""  # words that it was trained on, for the prompt
    note: str = ""
    licence: str = ""
    few_steps: FewSteps | None = None

    @property
    def offer(self) -> LoraOffer:
        """What requests must know of it."""
        return LoraOffer(name=self.name, few_steps=self.few_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSpec(AddedFile):
    """A textual inversion (Gal et al. 2022): `token`, in a prompt, stands for its vectors."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSpec(AddedFile):
    """An adapter that reads reference pictures; `encoder` is its image encoder's folder."""

    kind: str
    encoder: str = "image_encoder"

    @property
    def encoder_files(self) -> tuple[AddedFile, AddedFile]:
        """The configuration and the weights of its image encoder.

        They lie in the same place as the adapter, or in the folder of an adapter that is one file.
        """
        alone = self.source.endswith(SUFFIX) and not is_hub_id(self.source)
        place = str(Path(self.source).parent) if alone else self.source
        config, weights = (f"{self.encoder}/{name}" for name in ENCODER_FILES)
        return AddedFile(source=place, file=config), AddedFile(source=place, file=weights)
