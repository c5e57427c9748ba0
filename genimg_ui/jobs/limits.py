"""How much may wait: limits for a page that strangers use. None: no limit."""

from dataclasses import dataclass

from genimg_ui.errors import RefusedInput


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """Counts of jobs that wait or run. A run of variants counts as one job of its session.

    A replay is asked for under the same limits.
    """

    queue_length: int | None = None  # of all sessions together
    jobs_per_session: int | None = None

    def check(self, *, in_queue: int, of_session: int, more: int = 1) -> None:
        """Refuse one more job, or a run of `more` jobs, beside those that are there."""
        if self.jobs_per_session is not None and of_session >= self.jobs_per_session:
            raise RefusedInput(
                f"A session may have {_jobs(self.jobs_per_session)} waiting or running, "
                f"and this one has {of_session}.",
                remedy="Wait until one has ended, or cancel one.",
            )
        if self.queue_length is not None and in_queue + more > self.queue_length:
            asked = "" if more == 1 else f"; these would be {more} more"
            raise RefusedInput(
                f"The queue may hold {_jobs(self.queue_length)}, and it holds {in_queue}{asked}.",
                remedy="Try again in a few minutes.",
            )


def _jobs(count: int) -> str:
    return "1 edit" if count == 1 else f"{count} edits"
