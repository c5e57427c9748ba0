"""report.html: whole, escaped, honest about leads, with the worst and best cases side by side."""

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from genimg_ui.evaluation.folder import CaseRecord, EvaluationFolder
from genimg_ui.evaluation.gate import Fall
from genimg_ui.evaluation.mask_shapes import Rectangles
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.protocol import MaskSet
from genimg_ui.evaluation.report.extremes import MONTAGE, SHOWN, extremes, montage
from genimg_ui.evaluation.report.page import Report
from genimg_ui.evaluation.report.plots import Row, box_plot, nice_ticks
from genimg_ui.evaluation.report.tables import metric_name
from genimg_ui.evaluation.statistics import Summary
from genimg_ui.history.record import EntryState
from tests.evaluation.evaluating import LACKING, asked, pictures, protocol, run

EVIL = '<img src=x onerror="alert(1)">'


class Outline(HTMLParser):
    """Counts elements, and holds that each is closed."""

    VOID = ("meta", "img", "line", "rect", "path", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, *_: object) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, *_: object) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    pictures(folder / "pictures", 12)
    (folder / "pictures" / "p3.png").rename(folder / "pictures" / "p<b>3.png")
    evil = protocol(name=EVIL, masks=MaskSet(kinds=(Rectangles(),)))
    run(replace(asked(folder), protocol=evil))
    return (folder / "out" / "report.html").read_text("utf-8")


def test_the_page_is_whole_and_needs_nothing_else(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    assert "script" not in outline.count
    assert outline.count["svg"] == 1
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "color-scheme: light dark" in page


def test_every_text_is_escaped(page: str) -> None:
    assert EVIL not in page
    assert escape(EVIL) in page
    assert "p<b>3" not in page
    assert "p&lt;b&gt;3.png" in page


def test_the_best_value_is_marked_where_the_interval_says_so(page: str) -> None:
    (row,) = re.findall(r'<th scope="row">MSE ↓.*?</tr>', page)
    telea, neutral = row.split("<td>")[1:]
    assert "★" in telea
    assert "★" not in neutral
    assert re.search(r"\[0\.\d+, 0\.\d+\] n 12", telea)
    assert LACKING.replace("LPIPS needs", "LPIPS: needs") in page


def test_metrics_that_lack_the_same_are_named_together(tmp_path: Path) -> None:
    result = run(asked(tmp_path, "fill:telea")).result
    lacks = {"fid": "FID needs X.", "kid": "KID needs X.", "lpips": "LPIPS needs Y."}
    assert replace(result, unavailable=lacks).lacks == ("FID, KID: needs X.", "LPIPS: needs Y.")


def test_each_strip_shows_original_hole_and_every_model(page: str) -> None:
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>", page)
    assert captions.count("original") == captions.count("hole") == 12 + 2 * SHOWN
    assert captions.count("fill:telea") == 12
    scored = [caption for caption in captions if re.match(r"fill:telea: 0\.\d", caption)]
    assert len(scored) == 2 * SHOWN
    assert page.count('class="chosen"') == 2 * SHOWN


def test_falls_are_listed_or_said_to_be_none(tmp_path: Path) -> None:
    what = asked(tmp_path, "fill:telea")
    result = run(what).result
    folder = EvaluationFolder(what.out)
    cases = {(record.model, record.case): record for record in folder.cases()}
    fall = Fall(model="a<b", what="psnr", sentence="PSNR fell & broke.")
    fell = Report(result, cases, folder, (fall,)).html()
    assert "<b>a&lt;b</b>: PSNR fell &amp; broke." in fell
    assert "Nothing fell." in Report(result, cases, folder, ()).html()
    assert "Against the baseline" not in Report(result, cases, folder).html()


def case(number: int, model: str, psnr: float, state: EntryState = EntryState.DONE) -> CaseRecord:
    return CaseRecord(
        case=number,
        model=model,
        picture="p.png",
        mask_kind="blob",
        mask_seed=1,
        prompt="",
        seed=0,
        entry="e",
        state=state,
        scores={"psnr": psnr},
    )


def test_worst_and_best_are_different_cases_in_order() -> None:
    rows = [case(n, model, 10.0 * n + k) for n in range(8) for k, model in enumerate("ab")]
    cases = {(row.model, row.case): row for row in rows}
    worst, best = extremes(cases, METRICS["psnr"])
    assert [(row.case, row.model) for row in worst] == [(0, "a"), (1, "a"), (2, "a")]
    assert [(row.case, row.model) for row in best] == [(7, "b"), (6, "b"), (5, "b")]
    few = {key: row for key, row in cases.items() if row.case < 2}
    worst, best = extremes(few, METRICS["psnr"])
    assert ([row.case for row in worst], [row.case for row in best]) == ([0], [1])


def test_the_sharpness_that_is_nearest_to_1_is_the_best() -> None:
    rows = [
        replace(case(n, "a", 0.0), scores={"sharpness": value})
        for n, value in enumerate((0.2, 1.1, 3.0, 0.95))
    ]
    worst, best = extremes({(row.model, row.case): row for row in rows}, METRICS["sharpness"])
    assert ([row.case for row in worst], [row.case for row in best]) == ([2, 0], [3, 1])
    assert metric_name(METRICS["sharpness"]) == "Sharpness in the hole →1 (of the original's)"


def test_the_montage_goes_evenly_from_first_to_last() -> None:
    cases = {("a", n): case(n, "a", 1.0) for n in range(280)}
    shown = montage(cases)
    assert len(set(shown)) == MONTAGE
    assert (shown[0], shown[-1]) == (0, 279)
    cases["a", 0] = case(0, "a", 1.0, EntryState.FAILED)
    assert montage(cases)[0] == 1


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (17.0, 33.0, (15.0, 20.0, 25.0, 30.0, 35.0)),
        (5.0, 5.0, (4.4, 4.6, 4.8, 5.0, 5.2, 5.4, 5.6)),
    ],
)
def test_axes_have_round_numbers_around_what_is_shown(
    low: float, high: float, ticks: tuple[float, ...]
) -> None:
    found = nice_ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert found == pytest.approx(ticks)


def test_a_box_plot_has_a_row_for_each_model_with_values() -> None:
    summary = Summary(n=3, mean=2.0, low=1.0, high=3.0)
    rows = [
        Row(name="a<b", values=(1.0, 2.0, 3.0), summary=summary),
        Row(name="none", values=(), summary=Summary(n=0, mean=None, low=None, high=None)),
    ]
    plot = box_plot("PSNR & more", rows)
    assert Outline(plot).open == []
    assert plot.count('class="box"') == 1
    assert "a&lt;b" in plot
    assert "PSNR &amp; more" in plot
    assert box_plot("nothing", rows[1:]) == ""
