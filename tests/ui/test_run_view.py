"""Runs on the page: what the widgets mean, and what is shown of each cell."""

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from genimg_ui.core.geometry import Box
from genimg_ui.core.sweep import Axis, Sweep
from genimg_ui.errors import RefusedInput
from genimg_ui.history.record import ResultRecord, ResultReport
from genimg_ui.runs import Run, RunCell
from genimg_ui.ui.run_view import ended, sheet
from genimg_ui.ui.variants_panel import NOTHING, VariantsPanel


@pytest.fixture(scope="module")
def panel() -> VariantsPanel:
    with gr.Blocks():
        return VariantsPanel.build()


def read(panel: VariantsPanel, **values: Any) -> Sweep:
    shown = {widget: widget.value for widget in panel.widgets()}
    return panel.read(shown | {getattr(panel, name): v for name, v in values.items()}, 100)


def test_a_page_that_was_just_opened_means_four_seeds(panel: VariantsPanel) -> None:
    assert read(panel) == Sweep(axes=(Axis(parameter="seed", values=(100, 101, 102, 103)),))


def test_the_second_parameter_counts_only_where_one_is_chosen(panel: VariantsPanel) -> None:
    both = read(
        panel,
        parameter="strength",
        values="0.3, 0.5",
        second="guidance_scale",
        second_values="5..7 x 3",
        new_seeds=True,
    )
    assert [axis.parameter for axis in both.axes] == ["strength", "guidance_scale"]
    assert both.axes[1].values == (5.0, 6.0, 7.0) and both.new_seeds
    one = read(panel, parameter="strength", values="0.3", second=NOTHING, second_values="5")
    assert [axis.parameter for axis in one.axes] == ["strength"]


def test_fields_fill_the_prompts_and_what_is_missing_is_said(panel: VariantsPanel) -> None:
    prompts = read(panel, parameter="prompt", values="[a] cup", fields="a = red | blue")
    assert prompts.axes[0].values == ("red cup", "blue cup")
    with pytest.raises(RefusedInput, match=r"uses \[a\], which the fields do not fill"):
        read(panel, parameter="prompt", values="[a] cup", fields=None)
    with pytest.raises(RefusedInput, match="Denoise has no values"):
        read(panel, parameter="strength", values=None)


def cell(entry: str, seam: float | None, **more: Any) -> RunCell:
    report = ResultReport(
        changed_outside=0, pixels_outside=9, changed_inside=1, pixels_inside=1,
        seam=seam or 1.0, colour_shift=2.0,
    )  # fmt: skip
    result = ResultRecord(sha256="a" * 64, pixels_sha256="b" * 64, seed=7, report=report)
    varies = {"strength": entry[0], "guidance_scale": entry[1]}
    return RunCell(
        entry=entry,
        varies=varies,
        position=0,
        state="queued" if seam is None else "done",
        result=None if seam is None else result,
        **more,
    )


def test_cells_stand_in_their_place_with_rank_and_score() -> None:
    cells = (cell("15", 1.5), cell("25", 1.1, approved=True), cell("16", None), cell("26", 1.3))
    run = Run(id="r", began="", title="Both", model="m", cells=cells, crop=Box(0, 0, 40, 30))
    shown = sheet(run, {"15": "here"}, [("r", "a run")])
    assert shown["columns"] == ["Denoise 1", "Denoise 2"]
    assert shown["rows"] == ["CFG 5", "CFG 6"]
    assert [item["place"] for item in shown["items"]] == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert [item["rank"] for item in shown["items"]] == [3, 1, 4, 2]
    assert [item["score"] for item in shown["items"]] == ["0.70", "0.30", None, "0.50"]
    assert [item["crop"] for item in shown["items"]] == ["here", "", "", ""]
    assert [item["approved"] for item in shown["items"]] == [False, True, False, False]
    assert shown["waiting"] == 1 and shown["crop"] == [40, 30]
    assert shown["names"] == [["r", "a run"]]


def test_the_end_of_a_run_is_told_as_a_whole() -> None:
    whole = Run(
        id="r", began="", title="T", model="m", cells=(cell("15", 1.5),), crop=Box(0, 0, 1, 1)
    )
    assert ended(whole) == {
        "kind": "done", "text": "The run has ended with 1 of 1 picture.", "findings": [],
    }  # fmt: skip
    lost = replace(cell("25", None), state="failed", text="There is not enough memory.")
    told = ended(replace(whole, cells=(*whole.cells, lost, lost)))
    assert (told["kind"], told["text"]) == ("warning", "The run has ended with 1 of 3 pictures.")
    assert told["findings"] == [{"sentence": "There is not enough memory.", "remedy": None}]
