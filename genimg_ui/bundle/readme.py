"""README.txt of a bundle: what it is, what is in it and how it is run, in plain words."""

from collections.abc import Iterator, Sequence

from genimg_ui.bundle.layout import Member
from genimg_ui.history.record import LogEntry

_LEAD = """\
This is a replay bundle of genimg_ui: one edit of a picture, with everything that it needs to be
run again, and what came of it.

Open it     drop this ZIP on the page of genimg_ui: picture, mask and settings are as they were.
Compare it  python -m genimg_ui replay THIS.zip
            says of each result whether the very same pixels come out, or what differs.
"""


def readme(entry: LogEntry, members: Sequence[Member]) -> str:
    """The whole text; depends on nothing but its arguments."""
    return "\n".join([_LEAD, *_edit(entry), "", "Files", *_files(members), "", *_made_by(entry)])


def _edit(entry: LogEntry) -> Iterator[str]:
    request, sampling = entry.request, entry.request.sampling
    yield f"Entry     {entry.id}"
    yield f"Made      {entry.created}"
    yield f"Ended     {entry.state}"
    yield f"Model     {request.model}"
    if sampling.prompt:
        yield f"Prompt    {_line(sampling.prompt)}"
    if sampling.negative_prompt:
        yield f"Without   {_line(sampling.negative_prompt)}"
    if request.border:
        left, top, right, bottom = request.border
        yield f"Border    {left} left, {top} top, {right} right, {bottom} bottom (pixels)"
    for record in entry.results:
        report = record.report
        outside = f"{report.changed_outside} of {report.pixels_outside}"
        yield f"Result    seed {record.seed}; pixels changed outside the mask: {outside}"
    if entry.error:
        yield f"Error     {_line(entry.error)}"


def _files(members: Sequence[Member]) -> Iterator[str]:
    width = max(len(member.name) for member in members)
    for member in members:
        yield f"  {member.name:<{width}}  {member.what}"
    yield "  bundle.json lists them with their SHA-256. Nothing here is changed by a replay."


def _made_by(entry: LogEntry) -> Iterator[str]:
    if not entry.facts:
        return
    yield "Made with"
    width = max(len(name) for name in entry.facts)
    for name, value in sorted(entry.facts.items()):
        yield f"  {name:<{width}}  {_line(value)}"
    yield ""


def _line(text: str) -> str:
    return " ".join(text.split())
