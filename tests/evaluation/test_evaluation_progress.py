"""The line that says how far an evaluation is, and how long it will take."""

import pytest

from genimg_ui.evaluation.progress import Progress, duration


def test_the_time_left_counts_this_model_and_those_to_come() -> None:
    now, lines = [0.0], []
    progress = Progress(3, 10, lines.append, lambda: now[0])
    progress.begin("a", done=2)
    now[0] += 8.0
    progress.ran(4)  # 2 s each: 4 more of this, 20 of the others
    assert lines == ["a (1 of 3): case 6 of 10, 2.00 s each, 48 s left"]
    now[0] += 8.0
    progress.ran(4)
    progress.begin("b", done=0)
    now[0] += 40.0
    progress.ran(10)  # 4 s each; the last model at the mean of both, 56 s / 18
    assert lines[-1] == "b (2 of 3): case 10 of 10, 4.00 s each, 31 s left"


def test_lines_come_now_and_then_and_at_the_end() -> None:
    now, lines = [0.0], []
    progress = Progress(1, 100, lines.append, lambda: now[0])
    progress.begin("a", done=0)
    for _ in range(100):
        now[0] += 0.1
        progress.ran(1)
    assert 4 <= len(lines) <= 7
    assert "case 100 of 100" in lines[-1]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (480, "8 min"), (7500, "2 h 5 min")]
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
