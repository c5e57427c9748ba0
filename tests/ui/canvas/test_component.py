from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.ui.canvas.component import (
    CanvasBorder,
    CanvasData,
    CanvasUpdate,
    MaskCanvas,
    data_of,
    state_of,
)


def test_the_state_is_read_from_what_the_browser_sends() -> None:
    payload = CanvasData(
        origin="browser",
        opened=3,
        source="abc",
        width=40,
        height=30,
        border=CanvasBorder(left=1, top=2, right=3, bottom=4),
        mask=FileData(path="/x/mask.png"),
        mask_rev=9,
    )
    state = state_of(payload)
    assert state is not None
    assert state.mask_path == Path("/x/mask.png")
    assert state.image_path is None
    assert (state.size, state.border) == (Size(40, 30), Sides(1, 2, 3, 4))
    assert (state.source, state.opened, state.mask_rev) == ("abc", 3, 9)


def test_an_own_update_that_comes_back_unread_is_no_state() -> None:
    assert state_of(data_of(CanvasUpdate(border=Sides(8)))) is None
    assert state_of(None) is None


def test_an_update_travels_with_a_name_of_its_own_and_only_what_it_sets() -> None:
    first, second = data_of(CanvasUpdate()), data_of(CanvasUpdate())
    assert first.rev != second.rev
    told = first.model_dump(exclude={"rev"}, exclude_defaults=True)
    assert told == {}


def test_an_update_gives_addresses_not_pixels() -> None:
    data = data_of(
        CanvasUpdate(
            source="abc",
            image=Path("/data/a b#1.png"),
            mask=Path("/data/m.png"),
            size=Size(4, 3),
            context=Box(0, 1, 2, 3),
            context_label="512 × 512",
        )
    )
    assert data.image_url == "/gradio_api/file=/data/a%20b%231.png"
    assert data.mask_set and data.mask_url == "/gradio_api/file=/data/m.png"
    assert data.context is not None and data.context.label == "512 × 512"
    assert (data.width, data.height) == (4, 3)


def test_an_empty_mask_can_be_set() -> None:
    data = data_of(CanvasUpdate(mask_set=True))
    assert data.mask_set and data.mask_url is None


def test_limits_reach_the_script() -> None:
    script = MaskCanvas(max_bytes=1234, render=False).js_on_load
    assert script is not None
    assert '"maxBytes": 1234' in script


def test_listeners_lose_no_edit_and_do_not_fade_the_canvas() -> None:
    with gr.Blocks() as demo:
        canvas = MaskCanvas()
        canvas.mask_edited(lambda: None, None, None)
        canvas.picture_opened(lambda: None, None, None, trigger_mode="once")
    edited, opened = demo.fns.values()
    assert (edited.trigger_mode, edited.show_progress) == ("always_last", "hidden")
    assert opened.trigger_mode == "once"
