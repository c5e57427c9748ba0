"""Run an entry again and say whether the very same pixels come out, and if not, why and where."""

from genimg_ui.replay.run import attempt, replay
from genimg_ui.replay.subject import LogLine, Subject, log_lines, opened
from genimg_ui.replay.verdict import Replayed, ReplayedResult, Verdict, worst

__all__ = [
    "LogLine",
    "Replayed",
    "ReplayedResult",
    "Subject",
    "Verdict",
    "attempt",
    "log_lines",
    "opened",
    "replay",
    "worst",
]
