"""What lies where in a replay bundle.

Every member is named here; a reader takes no other name, so none can lead out of its folder. All
members are stored without compression (pictures are packed already), with one fixed time, in a
fixed order: the same entry and files give the same bytes on every machine.
"""

import re
from dataclasses import dataclass

FORMAT = "genimg_ui replay bundle"
VERSION = 1
README, MANIFEST, ENTRY = "README.txt", "bundle.json", "entry.json"
MOST_MEMBERS = 100  # an entry has 16 results at most, and some maps
MOST_BYTES = 4_000_000_000  # of a bundle, packed or unpacked: what every ZIP program opens
MOST_TEXT = 4_000_000  # bytes of one of the three texts
_SUFFIX = r"\.(png|jpg|webp|tif|bmp)"
_NAMES = re.compile(
    rf"README\.txt|bundle\.json|entry\.json|(source|mask){_SUFFIX}"
    r"|(denoise|composite)-mask\.png|maps/control-maps\.png"
    rf"|maps/ready-[1-9]{_SUFFIX}"
    r"|results/[0-9]{1,2}-seed-[0-9]{1,10}\.png"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a bundle; `what` says in words what it is."""

    name: str
    sha256: str
    bytes: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """bundle.json: every other member but the README and itself, in their order."""

    format: str = FORMAT
    version: int = VERSION
    files: tuple[Member, ...] = ()


def is_member_name(name: str) -> bool:
    """Whether a bundle may hold a file of this name."""
    return _NAMES.fullmatch(name) is not None


def ready_name(index: int, suffix: str) -> str:
    """Where the ready control map lies that comes as number `index`, from 0, of an entry."""
    return f"maps/ready-{index + 1}{suffix}"


def result_name(index: int, seed: int) -> str:
    return f"results/{index + 1}-seed-{seed}.png"
