"""The kept answers to licences: none is lost to a file that cannot be read."""

import pytest

from genimg_ui.errors import StorageError
from genimg_ui.shelf.licences import FILE
from tests.shelf.conftest import MakeShelf


@pytest.mark.parametrize("content", ['{"other": {"licence": "NC-1"', "[]"])
def test_unreadable_answers_are_not_written_over(make: MakeShelf, content: str) -> None:
    shelf = make()
    kept = shelf.registry.own.parent / FILE
    kept.write_text(content)
    with pytest.raises(StorageError, match=r"licences.json in the data folder cannot be read"):
        shelf.accept("gift")
    assert kept.read_text() == content
    assert not shelf.licences.accepted(shelf.registry().get("gift"))
    kept.unlink()
    shelf.accept("gift")
    assert shelf.licences.accepted(shelf.registry().get("gift"))
