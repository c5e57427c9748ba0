"""The download panel reads as options what its widgets show."""

import gradio as gr
import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy, Format
from genimg_ui.ui.download_panel import DownloadPanel


def panel(policy: ExportPolicy) -> DownloadPanel:
    with gr.Blocks():
        return DownloadPanel.build(policy)


def read(given: DownloadPanel, **changes: object) -> ExportOptions:
    values = {widget: widget.value for widget in given.chosen()}
    return given.read(values | {getattr(given, name): value for name, value in changes.items()})


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("credentials", [True, False])
def test_untouched_it_asks_for_what_the_installation_does(record: bool, credentials: bool) -> None:
    given = panel(ExportPolicy(record=record, credentials=credentials))
    assert read(given) == ExportOptions(record=record, credentials=credentials)


def test_every_choice_counts() -> None:
    given = panel(ExportPolicy())
    asked = read(given, form="jpeg", quality=40, bare=True, signed=True)
    wanted = ExportOptions(format=Format.JPEG, quality=40, record=False, credentials=True)
    assert asked == wanted


def test_layers_go_unsigned_without_being_refused() -> None:
    assert read(panel(ExportPolicy()), form="psd", signed=True).credentials is None


@pytest.mark.parametrize("changes", [{"form": None}, {"form": "gif"}, {"quality": 0}])
def test_what_no_widget_offers_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RefusedInput):
        read(panel(ExportPolicy()), **changes)
