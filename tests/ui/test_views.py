"""What the page is told, as plain JSON."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.preflight import Finding, Remedy
from genimg_ui.core.request import ColourMatch, EditInputs, FillMode, ResolvedRequest
from genimg_ui.history.marks import Marks
from genimg_ui.history.record import (
    EntryState,
    LogEntry,
    MatchReport,
    PlanRecord,
    ResultRecord,
    ResultReport,
)
from genimg_ui.jobs.queue import Job, JobState
from genimg_ui.ui import views
from tests.editing import request

REPORT = ResultReport(
    changed_outside=0,
    pixels_outside=1234567,
    changed_inside=9,
    pixels_inside=10,
    seam=1.234,
    colour_shift=0.56,
)


def entry(**parts: object) -> LogEntry:
    asked = request("square", prompt="a cat", border=Sides(2, 3, 4, 5))
    known = {
        "id": "e1",
        "created": "2026-01-02T03:04:05.678+00:00",
        "state": EntryState.DONE,
        "request": asked,
        "inputs": EditInputs(source="0" * 64),
        "resolved": ResolvedRequest(
            request=asked, seeds=(7,), scheduler="ddim", fill_mode=FillMode.EXTEND
        ),
        "plan": PlanRecord(canvas=Size(16, 18), box=Box(1, 2, 11, 12), working=Size(64, 64)),
        "results": (ResultRecord(sha256="1" * 64, pixels_sha256="2" * 64, seed=7, report=REPORT),),
        "timings": {"decode": 0.5, "generate": 1.7},
    }
    return LogEntry(**(known | parts))


def job(**parts: object) -> Job:
    known = dict.fromkeys(Job.__dataclass_fields__) | {
        "id": "j1",
        "state": JobState.RUNNING,
        "position": 0,
        "fraction": 0.4,
        "text": "step 4 of 10",
    }
    return Job(**(known | parts))


def link(path: Path) -> str:
    return f"link-to{path}"


def test_a_finding_carries_its_remedy() -> None:
    remedy = Remedy(label="Set Grow to 0", field="grow", value=0)
    told = views.message("No.", kind="error", findings=[Finding(sentence="S.", remedy=remedy)])
    assert told == {
        "kind": "error",
        "text": "No.",
        "findings": [
            {"sentence": "S.", "remedy": {"label": "Set Grow to 0", "field": "grow", "value": 0}}
        ],
    }
    assert views.finding(Finding(sentence="S."))["remedy"] is None


def test_a_running_job_shows_its_progress_before_those_that_wait() -> None:
    waiting = job(id="j0", state=JobState.QUEUED, position=2)
    told = views.running([waiting, job(preview=Path("/data/p.jpg"))], link)
    assert (told["fraction"], told["text"]) == (0.4, "step 4 of 10 · 1 more waiting")
    assert told["preview"] == "link-to/data/p.jpg"
    assert told["watching"] == ["j0", "j1"]


@pytest.mark.parametrize(
    ("position", "text"),
    [(0, "queued: next in line"), (1, "queued: 1 edit ahead"), (3, "queued: 3 edits ahead")],
)
def test_a_waiting_job_says_its_place(position: int, text: str) -> None:
    told = views.running([job(state=JobState.QUEUED, position=position)], link)
    assert (told["text"], told["fraction"]) == (text, 0.0)


def test_the_end_of_an_edit_is_one_line() -> None:
    done = views.ended(entry(warnings=("Mind this.",)))
    assert done["kind"] == "done"
    assert done["text"] == "Done: 2.2 s. 0 of 1,234,567 pixels outside the mask changed."
    assert done["findings"] == [{"sentence": "Mind this.", "remedy": None}]
    two = views.ended(entry(results=entry().results * 2))
    assert "2 variants" in two["text"]
    failed = views.ended(entry(state=EntryState.FAILED, error="It broke.", results=()))
    assert (failed["kind"], failed["text"]) == ("error", "It broke.")
    cancelled = views.ended(entry(state=EntryState.CANCELLED, results=()))
    assert (cancelled["kind"], cancelled["text"]) == ("warning", "The edit was cancelled.")


def test_the_proof_is_what_was_counted() -> None:
    broken = ResultReport(
        changed_outside=3,
        pixels_outside=10,
        changed_inside=0,
        pixels_inside=0,
        seam=1,
        colour_shift=0,
    )
    assert views.proof(broken) == "3 of 10 pixels outside the mask changed."
    whole = ResultReport(
        changed_outside=0,
        pixels_outside=0,
        changed_inside=1,
        pixels_inside=1,
        seam=1,
        colour_shift=0,
    )
    assert "whole picture" in views.proof(whole)


def test_a_comparison_has_proof_settings_and_places() -> None:
    told = views.comparison(
        entry(),
        0,
        source_size=Size(10, 10),
        before="before.png",
        result="after.png",
        marks=Marks(starred=True, rating=2),
    )
    assert (told["width"], told["height"], told["inner"]) == (16, 18, [2, 3, 10, 10])
    assert told["ok"] and told["marks"]["rating"] == 2 and told["proof"].startswith("0 of")
    facts = dict(told["facts"])
    assert (facts["model"], facts["seed"], facts["prompt"]) == ("square", "7", "a cat")
    assert facts["edge of the mask"] == "faint (1.23)"
    assert (facts["colours there"], facts["seconds"]) == ("fit (0.6)", "2.2")
    assert (facts["scheduler"], facts["context"]) == ("ddim", "10×10 → 64×64")
    assert told["filename"] == "2026-01-02_square_seed7.png"
    assert json.loads(json.dumps(told))


def test_an_engine_without_a_sampler_shows_no_sampler() -> None:
    resolved = ResolvedRequest(
        request=request(), seeds=(7,), scheduler="", fill_mode=FillMode.REMOVE
    )
    told = views.comparison(
        entry(resolved=resolved),
        0,
        source_size=Size(10, 10),
        before="a",
        result="b",
        marks=Marks(),
    )
    assert not {"prompt", "steps", "scheduler"} & set(dict(told["facts"]))


@pytest.mark.parametrize(
    ("applied", "errors", "told"),
    [
        (
            ColourMatch.BLEND,
            (7.12, 1.94),
            {
                "edge of the mask": "faint (1.96 → 1.23)",
                "colours there": "fit (6.7 → 0.6)",
                "colour match": "blended into the colours around the mask",
            },
        ),
        (
            ColourMatch.OFF,
            (1.2, 1.2),
            {
                "edge of the mask": "faint (1.23)",
                "colour match": "left as they are: no change fits better",
            },
        ),
        (
            ColourMatch.OFF,
            (None, None),
            {
                "edge of the mask": "faint (1.23)",
                "colour match": "left as they are: too little is known around the mask",
            },
        ),
    ],
)
def test_what_matching_the_colours_did_is_shown_before_and_after(applied, errors, told) -> None:
    match = MatchReport(
        applied=applied,
        ring_error_before=errors[0],
        ring_error_after=errors[1],
        seam_before=1.96,
        colour_shift_before=6.7,
    )
    record = entry().results[0]
    matched = entry(results=(replace(record, report=replace(REPORT, match=match)),))
    size = Size(10, 10)
    shown = views.comparison(matched, 0, source_size=size, before="b", result="r", marks=Marks())
    assert told.items() <= dict(shown["facts"]).items()
    plain = views.comparison(entry(), 0, source_size=size, before="b", result="r", marks=Marks())
    assert "colour match" not in dict(plain["facts"])
