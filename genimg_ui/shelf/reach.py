"""How far the removal of a part reaches: which files go, and which other parts use them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genimg_ui.registry.parts import EMBEDDING, LORA, MODEL, REFERENCE, Part
from genimg_ui.weights.folders import is_hub_id
from genimg_ui.weights.removal import file_bytes, repository_bytes, stored_bytes

LOOKED_FOR = (LORA, EMBEDDING, REFERENCE)  # without `file`: the only weights of their place


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Files that may be removed: all of `source`, or only its `file`. `users` need them, too."""

    source: str  # hub id, or an absolute folder
    file: str = ""  # relative to `source`
    bytes: int
    users: tuple[Part, ...] = ()


def target_of(piece: Part, others: Iterable[Part], data_dir: Path) -> Target | None:
    """What goes with `piece`; None where nothing may. `others` are all parts that stay.

    One file of a folder goes alone: what else lies there may be a person's own. A hub repository
    goes whole, with its unfinished downloads, unless a part that stays has other files of it.
    """
    staying = tuple(others)
    if piece.on_hub:
        shared = any(part.source == piece.source for part in staying)
        file = piece.file if shared else ""
        size = file_bytes(piece.source, file) if file else repository_bytes(piece.source)
        source = piece.source
    else:
        place = _place(piece)
        path = place / piece.file
        allowed = data_dir in (place.parents if not piece.file else path.parent.resolve().parents)
        whole = path.is_file() if piece.file else path.is_dir()
        source, file = str(place), piece.file
        size = stored_bytes(path) if allowed and whole else 0
    if not size or ".." in PurePosixPath(file).parts:
        return None
    users = tuple(part for part in staying if _uses(part, source, file))
    return Target(source=source, file=file, bytes=size, users=users)


def name_of(user: Part, piece: Part) -> str:
    """How a part that uses the same files is named beside the one that goes."""
    if user.role == MODEL or user.spec.id != piece.spec.id:
        return user.spec.title
    return f"{user.key} of {user.spec.title}"


def _uses(part: Part, source: str, file: str) -> bool:
    if is_hub_id(source):
        same, inside = part.source == source, False
    elif part.on_hub:
        return False
    else:
        place = _place(part)
        same = str(place) == source
        if file and place / part.file == Path(source, file):
            return True
        inside = not file and Path(source) in place.parents and place.exists()
    if not file:
        return same or inside
    return same and (part.file == file or (not part.file and part.role in LOOKED_FOR))


def _place(part: Part) -> Path:
    return Path(part.source).expanduser().resolve()
