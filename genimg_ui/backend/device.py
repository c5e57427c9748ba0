"""Which device and precision the sampler runs on, and what the log says about them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import psutil
import torch

from genimg_ui.core.memory import Host, kept_between_edits
from genimg_ui.core.provenance import RuntimeRecord

# Attention kernels of CUDA: how torch calls the question and the switch.
_SWITCHES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "flash": ("flash_sdp_enabled", "enable_flash_sdp"),
        "memory-efficient": ("mem_efficient_sdp_enabled", "enable_mem_efficient_sdp"),
        "cudnn": ("cudnn_sdp_enabled", "enable_cudnn_sdp"),
        "math": ("math_sdp_enabled", "enable_math_sdp"),
    }
)

_ALGORITHMS, _PRECISION = "deterministic_algorithms", "float32_matmul_precision"
_PRECISIONS = ("highest", "high", "medium")
# Switches of CUDA that are attributes: their owner, and how it calls them.
_ATTRIBUTES: Mapping[str, tuple[Any, str]] = MappingProxyType(
    {
        "cudnn.deterministic": (torch.backends.cudnn, "deterministic"),
        "cudnn.benchmark": (torch.backends.cudnn, "benchmark"),
        "cudnn.allow_tf32": (torch.backends.cudnn, "allow_tf32"),
        "cuda.matmul.allow_tf32": (torch.backends.cuda.matmul, "allow_tf32"),
    }
)


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

    def record(self, attention: str) -> RuntimeRecord:
        """The machine and its switches, for the log."""
        cuda, enabled = self.name == "cuda", self.kernels()
        return RuntimeRecord(
            device=self.label(),
            dtype=str(self.dtype).removeprefix("torch."),
            attention=f"{attention} ({', '.join(enabled)})" if enabled else attention,
            threads=torch.get_num_threads(),
            instructions=torch.backends.cpu.get_cpu_capability(),
            determinism=_switches(cuda=cuda),
        )

    def kernels(self) -> tuple[str, ...]:
        """The kernels among which attention may choose; () on devices that have one."""
        if self.name != "cuda":
            return ()
        return tuple(name for name, on in _attention_kernels().items() if on)

    def available(self) -> int:
        """Bytes that this process may fill: what is free, and what it holds on a GPU already."""
        if self.name == "cuda":
            return int(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
        return int(psutil.virtual_memory().available)

    def budget(self) -> int:
        """Bytes of weights that may be kept between edits: the rest is for the work itself."""
        gpu = self.name == "cuda"
        total = torch.cuda.mem_get_info()[1] if gpu else psutil.virtual_memory().total
        return kept_between_edits(Host(self.name, gpu=gpu, bytes=int(total)))

    def free(self) -> None:
        """Give cached memory back to the device."""
        if self.name == "cuda":
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """While the block runs, torch calculates in `count` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def switched(recorded: Mapping[str, str]) -> Iterator[None]:
    """While the block runs, torch's switches are as `RuntimeRecord.determinism` tells.

    What it does not tell stays, and names and values that this version does not know are passed
    over.
    """
    before = _switches(cuda=True)
    try:
        _switch_all({name: text for name, text in recorded.items() if _is_switch(name, text)})
        yield
    finally:
        _switch_all(before)


def _switch_all(wanted: Mapping[str, str]) -> None:
    """The precision first, for it decides TF32 as well; nothing that is so already."""
    for name in sorted(wanted, key=lambda name: name != _PRECISION):
        if _switches(cuda=True)[name] != wanted[name]:
            _switch(name, wanted[name])


def _is_switch(name: str, value: str) -> bool:
    known = _PRECISIONS if name == _PRECISION else ("true", "false")
    return name in (_PRECISION, _ALGORITHMS, *_ATTRIBUTES) and value in known


def _switch(name: str, value: str) -> None:
    on = value == "true"
    if name == _PRECISION:
        torch.set_float32_matmul_precision(value)
    elif name == _ALGORITHMS:
        torch.use_deterministic_algorithms(on)
    else:
        owner, attribute = _ATTRIBUTES[name]
        setattr(owner, attribute, on)


@contextmanager
def attention_among(names: Sequence[str]) -> Iterator[None]:
    """While the block runs, attention on CUDA chooses among these kernels; () changes nothing.

    Names that this version does not know are passed over.
    """
    cuda: Any = torch.backends.cuda
    before = _attention_kernels()
    if not set(names) & set(before):
        yield
        return
    try:
        for name in before:
            getattr(cuda, _SWITCHES[name][1])(name in names)
        yield
    finally:
        for name, on in before.items():
            getattr(cuda, _SWITCHES[name][1])(on)


def _attention_kernels() -> dict[str, bool]:
    """The kernels among which scaled dot product attention may choose on CUDA."""
    cuda: Any = torch.backends.cuda
    return {name: bool(getattr(cuda, asks)()) for name, (asks, _) in _SWITCHES.items()}


def _switches(*, cuda: bool) -> dict[str, str]:
    """torch's switches that decide whether the same work gives the same bits."""
    switches: dict[str, object] = {
        _ALGORITHMS: torch.are_deterministic_algorithms_enabled(),
        _PRECISION: torch.get_float32_matmul_precision(),
    }
    if cuda:
        switches |= {name: getattr(*place) for name, place in _ATTRIBUTES.items()}
    return {name: str(value).lower() for name, value in switches.items()}


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
