"""What this machine has to run models on, found out without importing torch."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from genimg_ui.core.memory import GIB, Host, kept_between_edits

ASK_SECONDS = 10.0  # nvidia-smi takes a second where the driver sleeps
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
AMD = "0x1002"  # PCI vendor
LEAST_AMD_GIB = 2.0  # below it, a processor's own graphics


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Memory in GiB. `gpu` is its name, "" where none was found or PyTorch cannot use it."""

    cores: int
    ram_gib: float
    gpu: str = ""
    vram_gib: float = 0.0
    lack: str = ""  # why a GPU that is there cannot be used, as a sentence

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        memory = f"{self.ram_gib:.0f} GiB of memory and {self.cores} processor cores"
        if self.gpu:
            return f"{self.gpu} with {self.vram_gib:.0f} GiB, {memory}."
        return f"{self.lack or 'No GPU was found;'} {memory}."


def host_of(machine: Machine) -> Host:
    """Where models run on it, and how much memory is there."""
    if machine.gpu:
        return Host("this GPU", gpu=True, bytes=round(machine.vram_gib * GIB))
    return Host("this machine", gpu=False, bytes=round(machine.ram_gib * GIB))


def model_memory(machine: Machine, wanted_gib: float | None) -> int:
    """Bytes of weights that are kept between edits: what is wanted, else the machine's share."""
    if wanted_gib is not None:
        return round(wanted_gib * GIB)
    return kept_between_edits(host_of(machine))


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """Look once; a machine does not change while the program runs."""
    ram = _ram_gib()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name, vram = _nvidia() or _amd() or _apple(ram) or ("", 0.0)
    if name and _built_for_processors():
        lack = (
            f"There is a GPU ({name}), but the PyTorch that is installed is built for processors "
            "only: install a build for this GPU;"
        )
        return Machine(cores=cores or 1, ram_gib=ram, lack=lack)
    return Machine(cores=cores or 1, ram_gib=ram, gpu=name, vram_gib=vram)


def read_nvidia(text: str) -> tuple[str, float] | None:
    """Name and GiB of the largest GPU in what nvidia-smi prints: lines of `name, MiB`."""
    found = []
    for line in text.splitlines():
        name, comma, mib = line.rpartition(",")
        if comma and mib.strip().isdigit():
            found.append((name.strip(), int(mib) / 1024))
    return max(found, key=lambda one: one[1], default=None)


def _nvidia() -> tuple[str, float] | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    question = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            [program, *question], capture_output=True, text=True, timeout=ASK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return read_nvidia(told.stdout)


def _amd() -> tuple[str, float] | None:
    sizes = []
    for place in Path("/sys/class/drm").glob("card?/device"):
        try:
            if (place / "vendor").read_text().strip() == AMD:
                sizes.append(int((place / "mem_info_vram_total").read_text()) / GIB)
        except (OSError, ValueError):
            continue
    largest = max(sizes, default=0.0)
    return ("AMD GPU", largest) if largest >= LEAST_AMD_GIB else None


def _apple(ram: float) -> tuple[str, float] | None:
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple GPU", ram  # it shares the memory
    return None


def _built_for_processors() -> bool:
    try:
        return metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def _ram_gib() -> float:
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for place in CGROUP_LIMITS:  # a container's own limit
        try:
            size = min(size, int(place.read_text()))
        except (OSError, ValueError):
            continue
    return size / GIB
