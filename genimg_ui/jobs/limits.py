"""How much may wait: limits for a page that strangers use. None: no limit."""

from dataclasses import dataclass

from genimg_ui.errors import RefusedInput


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """Counts of jobs that wait or run."""

    queue_length: int | None = None  # of all sessions together
    jobs_per_session: int | None = None

    def check(self, *, in_queue: int, of_session: int) -> None:
        """Refuse one more job beside those that are there."""
        if self.jobs_per_session is not None and of_session >= self.jobs_per_session:
            raise RefusedInput(
                f"A session may have {_jobs(self.jobs_per_session)} waiting or running, "
                f"and this one has {of_session}.",
                remedy="Wait until one has ended, or cancel one.",
            )
        if self.queue_length is not None and in_queue >= self.queue_length:
            raise RefusedInput(
                f"The queue may hold {_jobs(self.queue_length)}, and it holds {in_queue}.",
                remedy="Try again in a few minutes.",
            )


def _jobs(count: int) -> str:
    return "1 edit" if count == 1 else f"{count} edits"
