"""Which device and precision the sampler runs on, and what the log says about them."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device and the floating-point type of the weights on it."""

    name: str  # cuda | mps | cpu
    dtype: torch.dtype

    @property
    def torch(self) -> torch.device:
        return torch.device(self.name)

    def label(self) -> str:
        if self.name == "cuda":
            return f"cuda ({torch.cuda.get_device_name()})"
        return self.name

    def free(self) -> None:
        """Give cached memory back to the device."""
        if self.name == "cuda":
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()


def pick_device() -> Device:
    """CUDA in half precision where there is one; half precision is slow or wrong elsewhere."""
    if torch.cuda.is_available():
        return Device("cuda", torch.float16)
    if torch.backends.mps.is_available():
        return Device("mps", torch.float32)
    return Device("cpu", torch.float32)


def is_out_of_memory(error: BaseException) -> bool:
    """Also for the CPU, whose allocator raises a plain RuntimeError."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)
