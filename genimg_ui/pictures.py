"""Stored pictures and masks as the page needs them, decoded within bounds of memory and time.

A page sends its events in parallel, and one picture of 50 megapixels takes hundreds of megabytes
to decode: so at most `AT_ONCE` are decoded at a time, and what is known of a picture is kept.
Masks are uint8 (height, width), 255 = repaint, read-only.
"""

import hashlib
import io
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image, PngImagePlugin

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.image import Limits, decode, decode_mask
from genimg_ui.core.mask import Mask
from genimg_ui.core.picture import Picture, describe, display_copy
from genimg_ui.core.sniff import HEAD_BYTES, early_size, recognise
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.ownership import own
from genimg_ui.history.store import Store

BROWSER_FORMATS = (".png", ".jpg", ".webp", ".bmp")  # others are shown through a display copy
DISPLAY_SIDE = 8192  # longest side of a display copy: what every GPU's texture holds
AT_ONCE = 2  # pictures decoded side by side: as many as the smallest host has cores
KNOWN_PICTURES = 256  # of which the facts are kept: some hundred bytes each
KEPT_MASKS = 2  # decoded, one byte a pixel: Apply asks for the mask that was painted just before
FACTS = "genimg_ui"  # text chunk of a display copy: what is known of its picture
GREY_DEPTHS = (1, 2, 4, 8)  # bits of a greyscale PNG that is read as a mask
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPicture:
    """A stored picture as the page knows it. `display` is the file that a browser can show."""

    sha256: str
    size: Size
    description: str
    notes: tuple[str, ...]
    display: Path
    native: bool  # whether `display` is the source itself


class Pictures:
    """The pictures of one data folder; safe to share between threads."""

    def __init__(self, store: Store, *, upload: Limits, stored: Limits) -> None:
        self._store = store
        self._upload = upload
        self._stored = stored
        # For everything that takes memory by the pixel. Not reentrant: no holder may ask again.
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self._pictures: _Recent[OpenPicture] = _Recent(KNOWN_PICTURES)
        self._masks: _Recent[Mask] = _Recent(KEPT_MASKS)

    def keep(self, path: Path) -> OpenPicture:
        """Decode an upload safely and keep its file; raises RefusedInput."""
        with self.turns:
            picture = decode(path, self._upload)
            return self._noted(self._store.put_source(path), picture)

    def keep_map(self, session: str, path: Path) -> OpenPicture:
        """As `keep`, for a ready control map, which is the session's own from here on."""
        kept = self.keep(path)
        own(self._store.database, session, kept.sha256)
        return kept

    def picture(self, sha256: str) -> OpenPicture:
        """A stored picture; it is decoded only where nothing is known of it."""
        known = self._known(sha256)
        if known is not None:
            return known
        with self.turns:
            known = self._known(sha256)  # another thread may have been here meanwhile
            if known is not None:
                return known
            return self._noted(sha256, decode(self._store.source_path(sha256), self._stored))

    def _known(self, sha256: str) -> OpenPicture | None:
        self._store.source_path(sha256)  # a display copy may outlive its picture
        known = self._pictures.get(sha256)
        if known is not None and known.display.is_file():
            return known
        known = _read_facts(sha256, self._preview(sha256))
        if known is not None:
            self._pictures.put(sha256, known)
        return known

    def _noted(self, sha256: str, picture: Picture) -> OpenPicture:
        source = self._store.source_path(sha256)
        native = source.suffix in BROWSER_FORMATS and not picture.notes and picture.bits == 8
        if not native and _read_facts(sha256, self._preview(sha256)) is None:
            self._store.put_preview(sha256, _display_png(picture))
        known = OpenPicture(
            sha256=sha256,
            size=picture.size,
            description=describe(picture),
            notes=picture.notes,
            display=source if native else self._store.preview_path(sha256),
            native=native,
        )
        self._pictures.put(sha256, known)
        return known

    def _preview(self, sha256: str) -> Path | None:
        try:
            return self._store.preview_path(sha256)
        except UnknownItem:
            return None

    def crop(self, sha256: str, box: Box) -> Path:
        """A PNG of `box` of a stored result, unscaled, in 8 bits; made where it is not there."""
        name = _crop_name(sha256, box)
        made = self._preview(name)
        if made is not None:
            return made
        with self.turns:
            picture = decode(self._store.result_path(sha256), self._stored)
            self._store.put_preview(name, _crop_png(picture, box))
        return self._store.preview_path(name)

    def has_crop(self, sha256: str, box: Box) -> bool:
        """Whether `crop` need not decode."""
        return self._preview(_crop_name(sha256, box)) is not None

    def read_mask(self, path: Path, size: Size) -> bytes:
        """The file of a mask for a picture of `size`, looked at before it is read as a whole."""
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        check_mask_head(head, size)
        limits = _mask_limits(size)
        if path.stat().st_size > limits.max_bytes:
            raise RefusedInput(
                f"A mask of {size} must have at most {limits.max_bytes / 1e6:.1f} MB, "
                f"got {path.stat().st_size / 1e6:.1f} MB."
            )
        return path.read_bytes()

    def keep_mask(self, png: bytes, size: Size) -> str:
        """Decode a mask safely and keep its file."""
        with self.turns:
            mask = decode_mask(png, _mask_limits(size))
            sha256 = self._store.put_mask(png)
        self._masks.put(sha256, mask)
        return sha256

    def mask(self, sha256: str | None) -> Mask | None:
        """A stored mask; None for none."""
        if sha256 is None:
            return None
        path = self._store.mask_path(sha256)
        mask = self._masks.get(sha256)
        if mask is None:
            with self.turns:
                mask = decode_mask(path, self._stored)
            self._masks.put(sha256, mask)
        return mask


class _Recent(Generic[Kept]):
    """The things asked for last, by digest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, sha256: str) -> Kept | None:
        with self._lock:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
            return self._kept.get(sha256)

    def put(self, sha256: str, thing: Kept) -> None:
        with self._lock:
            self._kept[sha256] = thing
            self._kept.move_to_end(sha256)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def check_mask_head(head: bytes, size: Size) -> None:
    """Refuse by its first bytes what cannot be the mask of a picture of `size`."""
    kind = recognise(head)
    got = early_size("PNG", head) if kind == "PNG" else None
    if got is None or len(head) < 26:
        raise RefusedInput(f"A mask must be a greyscale PNG, got {kind}.")
    depth, colour = head[24], head[25]  # of the chunk IHDR
    if got != size:
        raise RefusedInput(f"The mask must be as large as the picture ({size}), got {got}.")
    if colour != 0 or depth not in GREY_DEPTHS:
        words = "greyscale" if colour == 0 else f"colour type {colour}"
        raise RefusedInput(f"A mask must be a greyscale PNG of 8 bits, got {words} of {depth}.")


def _mask_limits(size: Size) -> Limits:
    """One byte a pixel, and as much again for what does not compress, with its texts."""
    return Limits(max_pixels=size.area, max_bytes=2 * size.area + (1 << 16))


def _crop_name(sha256: str, box: Box) -> str:
    """A digest that no picture has: the crop lies among the previews."""
    return hashlib.sha256(f"crop {sha256} {tuple(box)}".encode()).hexdigest()


def _crop_png(picture: Picture, box: Box) -> bytes:
    """The pixels of `box` as the display copy has them, with the picture's profile."""
    image = Image.fromarray(picture.rgb(box))
    alpha = picture.alpha()
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha[box.slices]))
    profile = picture.icc_profile if picture.channels >= 3 else None
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1, icc_profile=profile)
    return buffer.getvalue()


def _display_png(picture: Picture) -> bytes:
    """The display copy, with what is known of the picture inside."""
    facts = {"size": picture.size, "description": describe(picture), "notes": picture.notes}
    inside = PngImagePlugin.PngInfo()
    inside.add_itxt(FACTS, json.dumps(facts))
    buffer = io.BytesIO()
    copy = display_copy(picture, DISPLAY_SIDE)
    copy.save(buffer, "PNG", compress_level=1, pnginfo=inside)
    return buffer.getvalue()


def _read_facts(sha256: str, preview: Path | None) -> OpenPicture | None:
    """What a display copy says of its picture; None where it is not there or not readable."""
    if preview is None:
        return None
    try:
        with PngImagePlugin.PngImageFile(preview) as image:
            facts = json.loads(str(image.info[FACTS]))
        width, height = facts["size"]
        return OpenPicture(
            sha256=sha256,
            size=Size(int(width), int(height)),
            description=str(facts["description"]),
            notes=tuple(str(note) for note in facts["notes"]),
            display=preview,
            native=False,
        )
    except (OSError, SyntaxError, KeyError, TypeError, ValueError):  # Pillow's and ours
        return None
