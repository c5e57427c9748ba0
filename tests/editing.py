"""A desk for tests of whole edits: a store, an editor with chosen engines, and a check of locked
pixels that shares no code with the program (Pillow decodes, SciPy measures distances).
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from genimg_ui.backend.base import Backend, CancelToken, Preview, Progress
from genimg_ui.backend.fake import FakeBackend
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import EditInputs, EditRequest, MaskParams, SamplingParams
from genimg_ui.editor import Editor
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png
from genimg_ui.registry import ModelSpec, Registry

Pixels = NDArray[Any]

EXEMPLAR = ModelSpec(
    id="exemplar", title="Exemplar", engine="exemplar", licence="-", context_ratio=1.5
)
# Paints at the canvas's own scale, and knows nothing of partial strength.
PLAIN = ModelSpec(id="plain", title="Plain", engine="fake", licence="-")
# As a diffusion model: its own size, multiples of 8, and everything that a panel can set.
SQUARE = ModelSpec(
    id="square",
    title="Square",
    engine="fake",
    licence="-",
    native_size=64,
    size_multiple=8,
    uses_prompt=True,
    uses_strength=True,
    uses_guidance=True,
    uses_steps=True,
    uses_fill=True,
    schedulers=("default", "ddim"),
    controls=(("canny", "nowhere"),),
)


class Desk:
    """Everything that an edit needs, in one folder."""

    def __init__(self, folder: Path, *more: ModelSpec, fake: Backend | None = None) -> None:
        self.store = Store.open(folder)
        self.fake = fake or FakeBackend()
        self.registry = Registry((EXEMPLAR, PLAIN, SQUARE, *more), "exemplar")
        self.pool = BackendPool(backends={"fake": self.fake})
        self.editor = Editor(self.store, self.registry, self.pool)

    def inputs(self, source: bytes, mask: Pixels | None = None) -> EditInputs:
        """Store the pixels of an edit."""
        return EditInputs(
            source=self.store.put_source(source),
            mask=None if mask is None else self.store.put_mask(mask_png(mask)),
        )

    def apply(
        self,
        request: EditRequest,
        inputs: EditInputs,
        *,
        on_event: Callable[[Progress | Preview], None] = lambda _: None,
        cancel: CancelToken | None = None,
    ) -> LogEntry:
        return self.editor.apply(request, inputs, on_event=on_event, cancel=cancel or CancelToken())

    def edit(self, request: EditRequest, source: bytes, mask: Pixels | None = None) -> LogEntry:
        """Store and run in one go."""
        return self.apply(request, self.inputs(source, mask))

    def result(self, entry: LogEntry, index: int = 0) -> Image.Image:
        """A stored result, decoded by Pillow."""
        return decoded(self.store.result_path(entry.results[index].sha256).read_bytes())

    def close(self) -> None:
        self.store.close()


def request(model: str = "plain", **parts: Any) -> EditRequest:
    """An edit with hard edges and a fixed seed; `grow`, `feather` and sampling names are known."""
    grow, feather = parts.pop("grow", 0), parts.pop("feather", 0)
    names = set(SamplingParams.__dataclass_fields__) & set(parts)
    sampling = {"seed": 7} | {name: parts.pop(name) for name in names}
    return EditRequest(
        model=model,
        sampling=SamplingParams(**sampling),
        mask=MaskParams(grow=grow, feather=feather),
        **parts,
    )


def noise(width: int, height: int, mode: str = "RGB", seed: int = 5) -> Image.Image:
    """A picture in which every pixel differs from its neighbours."""
    rng = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width)).astype(np.uint16))
    if mode == "P":
        return noise(width, height, "RGB", seed).quantize(64)
    bands = len(Image.new(mode, (1, 1)).getbands())
    shape = (height, width) if bands == 1 else (height, width, bands)
    return Image.fromarray(rng.integers(0, 256, shape).astype(np.uint8))


def photograph(width: int, height: int) -> Image.Image:
    """Smooth shapes and some texture: something that the exemplar engine can continue."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = [
        128 + 90 * np.sin(x / 9 + k) * np.cos(y / 7 - k) + 6 * ((x + y) % 3) for k in range(3)
    ]
    return Image.fromarray(np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8))


def png(image: Image.Image, **options: Any) -> bytes:
    return saved(image, "PNG", **options)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def painted(width: int, height: int, box: tuple[int, int, int, int], value: int = 255) -> Pixels:
    """A mask with one rectangle: left, top, right, bottom."""
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = value
    return mask


def may_change(mask: Pixels | None, size: tuple[int, int], asked: EditRequest) -> NDArray[np.bool_]:
    """bool of the expanded canvas: every pixel that this request allows to change at all."""
    width, height = size
    inner = np.zeros((height, width), np.bool_)
    if mask is not None and mask.any():
        inner = distance_transform_edt(mask == 0) <= max(0, asked.mask.grow)
        if asked.mask.grow < 0:
            ring = np.pad(mask > 0, 1, mode="edge")  # the picture's edge is no edge of the mask
            depth = distance_transform_edt(ring)[1:-1, 1:-1] if not ring.all() else np.inf
            inner = (mask > 0) & (depth > -asked.mask.grow)
    left, top, right, bottom = asked.border
    return np.pad(inner, ((top, bottom), (left, right)), constant_values=True)


def changed(source: Image.Image, result: Image.Image, border: Sides) -> NDArray[np.bool_]:
    """bool of the result: where it differs from the source; the whole border counts as changed."""
    before, after = np.asarray(source), np.asarray(result)
    height, width = before.shape[:2]
    inner = after[border.top : border.top + height, border.left : border.left + width]
    different = inner != before
    if different.ndim == 3:
        different = different.any(axis=2)
    left, top, right, bottom = border
    return np.pad(different, ((top, bottom), (left, right)), constant_values=True)
