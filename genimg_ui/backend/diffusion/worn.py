"""What a loaded model still has from its last edit, for the next one that asks for the same.

LoRAs and reference adapters take seconds to read and to attach. A model in memory keeps those of
its last edit that ended well; another edit takes them off before it begins.
"""

from collections.abc import Hashable
from typing import Any


class Worn:
    """Belongs to one loaded model.

    `loras` tells which files, with which weights, its networks have now; () for none. `adapters`
    tells what `attention` was made of: a UNet's processors and its image projection.
    """

    def __init__(self) -> None:
        self.loras: tuple[Hashable, ...] = ()
        self.adapters: tuple[Hashable, ...] = ()
        self.attention: tuple[dict[str, Any], Any] | None = None
        self._counted: tuple[tuple[Hashable, ...], ...] = ((), ())

    def is_counted(self) -> bool:
        """Whether it is the same as when this was asked last: its memory is counted then."""
        before, self._counted = self._counted, (self.loras, self.adapters)
        return before == self._counted

    def take_off(self, pipe: Any) -> None:
        """Take off the LoRAs, also those of a half that could not be put on."""
        self.loras = ()
        if hasattr(pipe, "unload_lora_weights"):
            pipe.unload_lora_weights()

    def forget_adapters(self) -> None:
        """Free the weights of reference adapters."""
        self.adapters, self.attention = (), None
