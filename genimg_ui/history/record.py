"""LogEntry: everything that is known of one edit, whatever its end.

It holds no pixels: every picture is named by the sha256 of its stored file. It holds no session
key either, because it travels inside the PNG that people hand on.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.provenance import ExecutionRecord, ModelRecord, RuntimeRecord
from genimg_ui.core.request import (
    ColourMatch,
    EditGroup,
    EditInputs,
    EditRequest,
    ResolvedRequest,
)

SCHEMA = 2  # version of the log line; older ones are migrated when read


class EntryState(StrEnum):
    """How an edit ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The program stopped while the edit ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReport:
    """What matching the colours to their surroundings did, and how it was without.

    The errors are mean CIE76 ΔE between what the engine made of the known pixels around the mask
    and the source, after as cross-validated (`core.colour_match`); None where too few are known.
    """

    applied: ColourMatch
    ring_error_before: float | None = None
    ring_error_after: float | None = None
    seam_before: float
    colour_shift_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReport:
    """The proof that goes with a result.

    `seam` is the mean absolute step across the mask's edge over that beside it (1: no seam).
    `colour_shift` is the mean CIE76 ΔE between the rings just inside and just outside the edge.
    """

    changed_outside: int  # locked pixels that differ from the source; 0 is the promise
    pixels_outside: int  # locked pixels in all
    changed_inside: int
    pixels_inside: int
    seam: float
    colour_shift: float
    match: MatchReport | None = None  # where colours were to be matched


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """One variant: `sha256` is of the stored file, `pixels_sha256` of its decoded pixels."""

    sha256: str
    pixels_sha256: str
    seed: int
    report: ResultReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """Where the edit took place, in pixels of the (expanded) canvas."""

    canvas: Size
    box: Box  # context box
    working: Size  # what the engine saw


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRecord:
    """One look of the model in an edit that took several, in pixels of the canvas."""

    painted: Box  # what it repainted
    box: Box  # what it saw
    working: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One edit from request to results; one line of the session's seed log.

    Digests of masks and maps are those of their bytes, row by row, uint8; "" where the edit ended
    before there was one.
    """

    id: str
    created: str  # when it began: ISO 8601, UTC
    ended: str = ""  # the same; "" where nobody saw its end
    state: EntryState
    request: EditRequest
    inputs: EditInputs
    parent: str | None = None  # entry whose result is this edit's source
    resolved: ResolvedRequest | None = None
    plan: PlanRecord | None = None
    passes: tuple[PassRecord, ...] = ()  # where one look was not enough; each with every seed
    painted_sha256: str = ""  # of the painted mask, at the source's size
    composite_sha256: str = ""  # of the composite mask, at the canvas's size
    denoise_sha256: str = ""  # of the denoise mask that the engine saw, at the working size
    control_sha256: tuple[str, ...] = ()  # of the control maps, at the working size
    filled_sha256: str = ""  # of the crop with its fill under the mask, where there was a fill
    fill_seed: int | None = None  # of that fill
    results: tuple[ResultRecord, ...] = ()
    model: ModelRecord | None = None
    runtime: RuntimeRecord | None = None
    executions: tuple[ExecutionRecord, ...] = ()  # of each look of the model, variant by variant
    environment: dict[str, str] = field(default_factory=dict)  # versions of what took part
    facts: dict[str, str] = field(default_factory=dict)  # what else the engine says of its way
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage
    warnings: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()  # what was done in another way than the usual one, and why
    error: str = ""
    refused: bool = False  # whether `error` says that the input was at fault
    schema: int = SCHEMA

    @property
    def group(self) -> EditGroup | None:
        """The run of variants or the sweep that this edit belongs to."""
        return self.inputs.group
