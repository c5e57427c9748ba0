"""A verdict on the page: a line for each thing, not too many, and no digests."""

from typing import Any

from genimg_ui.ui.replay_view import SHOWN_LINES, outcome_lines


def verdict(kind: str, *sentences: str, reason: str = "") -> dict[str, Any]:
    return {"verdict": kind, "sentences": list(sentences), "reason": reason}


def test_each_change_has_its_line() -> None:
    told = verdict(
        "differs", "seed 7: differs (largest difference 3): torch was 1, is 2; gpu was A"
    )
    assert outcome_lines(told) == [
        "seed 7: differs (largest difference 3): torch was 1, is 2",
        "gpu was A",
    ]


def test_many_changes_are_counted() -> None:
    for count in (SHOWN_LINES, SHOWN_LINES + 1, SHOWN_LINES + 5):
        changes = [f"library {i} was 1, is 2" for i in range(count)]
        lines = outcome_lines(verdict("identical", f"although {'; '.join(changes)}"))
        if count <= SHOWN_LINES + 1:  # a line that says "1 more" would take as much room
            assert len(lines) == count
        else:
            assert len(lines) == SHOWN_LINES + 1 and lines[-1].startswith("and 5 more")


def test_a_refusal_is_its_reason_alone() -> None:
    told = verdict("refused", "cannot run: No room.", reason="No room.")
    assert outcome_lines(told) == ["No room."]


def test_digests_of_weights_become_words() -> None:
    a, b = "0123456789ab", "ba9876543210"
    changes = "; ".join(
        (
            f"the file new of unet was absent, is {a} (SHA-256)",
            f"the file other of unet was {a}, is {b} (SHA-256)",
            f"the file same of unet was {b}, is absent (SHA-256)",
        )
    )
    assert outcome_lines(verdict("refused", reason=changes)) == [
        "the file new of unet was absent, is here",
        "the file other of unet has other content",
        "the file same of unet was here, is absent",
    ]
