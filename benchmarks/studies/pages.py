"""The page of a study in docs/studies: what a person wrote stays, tables between markers are new.

<!-- tables: NAME -->
...
<!-- end of tables: NAME -->
"""

from pathlib import Path
from typing import Final

from genimg_ui.errors import RefusedInput

PAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "studies"


def put_tables(page: Path, name: str, text: str) -> None:
    """Put `text` between the markers of `name`; raises RefusedInput where it has not both, once."""
    start, end = f"<!-- tables: {name} -->", f"<!-- end of tables: {name} -->"
    try:
        whole = page.read_text("utf-8")
    except OSError as error:
        raise RefusedInput(f"{page} cannot be read: {error.strerror}.") from error
    if whole.count(start) != 1 or whole.count(end) != 1 or whole.index(start) > whole.index(end):
        raise RefusedInput(
            f"{page.name} must have the lines {start} and {end}, each once and in this order."
        )
    before, rest = whole.split(start)
    after = rest.split(end)[1]
    page.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", "utf-8")
