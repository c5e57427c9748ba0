"""The seed log in its three forms, taken from the page."""

import csv
from pathlib import Path

import pytest

from tests.browser.desk import Desk, photograph

pytestmark = pytest.mark.browser
SIZE = (240, 160)


def test_the_log_is_taken_away_as_a_table_and_as_a_page(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "a.png", SIZE))
    desk.paint(60, 40, 90, 70)
    desk.apply()
    [entry] = desk.log()
    taken = {}
    for form in ("csv", "html"):
        with desk.page.expect_download() as waiting:
            desk.page.locator(f".sp-logs[data-form={form}]").click()
        assert waiting.value.suggested_filename == f"seed_log.{form}"
        taken[form] = tmp_path / f"log.{form}"
        waiting.value.save_as(taken[form])
    [row] = csv.DictReader(taken["csv"].open(newline=""))
    assert (row["entry"], row["sha256"]) == (entry["id"], entry["results"][0]["sha256"])
    page = desk.page.context.new_page()
    page.goto(taken["html"].as_uri())
    assert page.locator(f"article[id='{entry['id']}']").count() == 1
    width = page.evaluate("document.querySelector('figure img').naturalWidth")
    assert width == SIZE[0]
    page.close()
    assert not desk.troubles
