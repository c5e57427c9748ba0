"""A store with results by several models, and studies of them."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from genimg_ui.core.request import EditGroup, EditInputs, EditRequest, SamplingParams
from genimg_ui.history.names import new_entry_id, session_id, utc_now
from genimg_ui.history.record import EntryState, LogEntry, ResultRecord, ResultReport
from genimg_ui.history.store import Store
from genimg_ui.judging.studies import Studies

MakeResult = Callable[..., LogEntry]
REPORT = ResultReport(
    changed_outside=0, pixels_outside=9, changed_inside=1, pixels_inside=1, seam=1.0,
    colour_shift=0.5,
)  # fmt: skip


def result_png(shade: int, model: str) -> bytes:
    """A small result that names its model, as stored ones do."""
    pixels = np.full((6, 9, 3), shade, np.uint8)
    pixels[2:4, 3:6] = 255 - shade
    text = PngImagePlugin.PngInfo()
    text.add_text("genimg_ui", f'{{"model": "{model}"}}')
    text.add_itxt("parameters", f"Model: {model}")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=text, dpi=(72, 72))
    return buffer.getvalue()


def keep_result(
    store: Store,
    session: str,
    png: bytes,
    request: EditRequest,
    *,
    inputs: EditInputs | None = None,
) -> LogEntry:
    """Keep a result and record its edit."""
    sha256 = store.put_result(lambda file: file.write(png) and None)
    entry = LogEntry(
        id=new_entry_id(),
        created=utc_now(),
        state=EntryState.DONE,
        request=request,
        inputs=inputs or EditInputs(source=f"{5:064x}", mask=None),
        results=(ResultRecord(sha256=sha256, pixels_sha256=sha256[::-1], seed=1, report=REPORT),),
    )
    store.record(session, entry)
    return entry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def ann() -> str:
    return session_id("a" * 32)


@pytest.fixture
def studies(store: Store) -> Studies:
    return Studies(store.data_dir)


@pytest.fixture
def make_result(store: Store, ann: str) -> MakeResult:
    """Record an edit of `source` (a number) by `model`, with one stored result."""
    made = iter(range(1, 250))

    def make(
        model: str, *, source: int = 5, prompt: str = "", group: EditGroup | None = None
    ) -> LogEntry:
        request = EditRequest(model=model, sampling=SamplingParams(prompt=prompt))
        inputs = EditInputs(source=f"{source:064x}", mask=None, group=group)
        return keep_result(store, ann, result_png(next(made), model), request, inputs=inputs)

    return make
