"""Quantisation: networks whose linear layers keep their weights in fewer bits.

An entry names a method for each network (`quantisation: {transformer: int8}`); it is applied while
the weights are read. What is not a linear layer (convolutions, norms, embeddings) stays in the
precision of the device, and so do all activations. A GGUF file is quantised already.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NETWORKS = ("transformer", "unet", "text_encoder", "text_encoder_2", "text_encoder_3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way of storing weights: `bits` of each number, and `scale` bytes for each `group` of them.

    A group of 0 is a whole row. `gpu` is True where the library calculates on NVIDIA GPUs only.
    """

    package: str  # what it is installed by
    bits: int
    group: int
    scale: int
    gpu: bool = False

    def bytes(self, numbers: int, rows: int) -> int:
        """What linear layers with so many weights in so many rows take."""
        groups = numbers // self.group if self.group else rows
        return numbers * self.bits // 8 + groups * self.scale


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        # Of each row one scale and one (empty) zero point in the precision of the device.
        "int8": Method(package="torchao", bits=8, group=0, scale=4),
        "fp8": Method(package="torchao", bits=8, group=0, scale=4),
        "int4": Method(package="torchao", bits=4, group=128, scale=4, gpu=True),
        "nf4": Method(package="bitsandbytes", bits=4, group=64, scale=4, gpu=True),
    }
)
GGUF_PACKAGE = "gguf"


def lacking(quantisation: tuple[tuple[str, str], ...], *, gguf: bool = False) -> str:
    """Which library is missing, in words that follow "cannot be used:"; "" where none is."""
    wanted = {METHODS[method].package: f"its quantisation {method}" for _, method in quantisation}
    if gguf:
        wanted[GGUF_PACKAGE] = "a GGUF file"
    for package, what in wanted.items():
        if importlib.util.find_spec(package) is None:
            return (
                f"{what} needs the library {package}, which is not installed; run `pip install "
                f"{package}`"
            )
    return ""


def words(quantisation: tuple[tuple[str, str], ...]) -> str:
    """The same for the log: "text_encoder_2 int8, transformer int8"."""
    return ", ".join(f"{network} {method}" for network, method in sorted(quantisation))
