"""From an engine's patch to the finished picture and what it proves."""

from dataclasses import replace

import numpy as np

from genimg_ui.backend.base import Rgb
from genimg_ui.core.colour_match import Matched, match_colours
from genimg_ui.core.mask import mask_box
from genimg_ui.core.picture import Picture
from genimg_ui.core.plan import crop_mask, stitch
from genimg_ui.core.report import RING, changed_pixels, colour_shift, seam_score
from genimg_ui.core.request import ColourMatch
from genimg_ui.history.record import MatchReport, ResultReport
from genimg_ui.preparation import Prepared

UNCHANGED_SHARE = 0.01  # of the mask; below it a person thinks that nothing happened


def finish(prepared: Prepared, patch: Rgb) -> Picture:
    """Match a patch's colours as the request asks, and paste it."""
    return paste(prepared, match_patch(prepared, patch).patch)


def paste(prepared: Prepared, patch: Rgb) -> Picture:
    """Lay a patch into the canvas, through the composite mask, at full resolution."""
    plan, box = prepared.plan, prepared.plan.box
    own, composite = prepared.canvas.rgb(box), prepared.composite[box.slices]
    content = stitch(plan, patch, prepared.job.image, own)
    if prepared.canvas.bits == 16 and prepared.job.resolved.request.upscale > 1:
        # What was only resampled keeps its sixteen bits: `own` is that in eight.
        composite = np.where((content != own).any(axis=2), composite, np.uint8(0))
    return prepared.canvas.with_rgb(content, composite, box)


def match_patch(prepared: Prepared, patch: Rgb) -> Matched:
    """A patch with its colours matched as the request asks; the crop's padding takes no part."""
    mode = prepared.job.resolved.request.inpaint.colour_match
    if mode is ColourMatch.OFF:
        return Matched(patch)
    width, height = prepared.plan.content
    content = (slice(0, height), slice(0, width))
    composite = crop_mask(prepared.plan, prepared.composite)[content]
    matched = match_colours(patch[content], prepared.job.image[content], composite, mode)
    whole = patch.copy()
    whole[content] = matched.patch
    return replace(matched, patch=whole)


def make_report(prepared: Prepared, picture: Picture) -> ResultReport:
    """Count the locked pixels that changed (over the whole canvas) and score the edge."""
    locked = prepared.composite == 0
    changed = changed_pixels(prepared.canvas.pixels, picture.pixels)
    seam, shift = _edge_scores(prepared, picture)
    outside, total = int(np.count_nonzero(locked)), locked.size
    changed_outside = int(np.count_nonzero(changed & locked))
    return ResultReport(
        changed_outside=changed_outside,
        pixels_outside=outside,
        changed_inside=int(np.count_nonzero(changed)) - changed_outside,
        pixels_inside=total - outside,
        seam=seam,
        colour_shift=shift,
    )


def unchanged_warning(report: ResultReport, index: int) -> list[str]:
    """Say when an edit ran and hardly a pixel of the mask changed."""
    share = report.changed_inside / max(1, report.pixels_inside)
    if share >= UNCHANGED_SHARE:
        return []
    return [f"Variant {index + 1} changed {share:.1%} of the mask: it looks like the source."]


def with_match(
    report: ResultReport, prepared: Prepared, patch: Rgb, matched: Matched
) -> ResultReport:
    """The report with what matching did; `patch` is the engine's own."""
    if prepared.job.resolved.request.inpaint.colour_match is ColourMatch.OFF:
        return report
    seam, shift = report.seam, report.colour_shift
    if matched.applied is not ColourMatch.OFF:
        seam, shift = _edge_scores(prepared, paste(prepared, patch))
    return replace(
        report,
        match=MatchReport(
            applied=matched.applied,
            ring_error_before=_rounded(matched.error_before),
            ring_error_after=_rounded(matched.error_after),
            seam_before=seam,
            colour_shift_before=shift,
        ),
    )


def _edge_scores(prepared: Prepared, picture: Picture) -> tuple[float, float]:
    """Seam and colour shift, as the report has them."""
    masked = mask_box(prepared.composite) or prepared.plan.box
    area = masked.padded(2 * RING + 1).within(prepared.canvas.size)
    rgb, composite = picture.rgb(area), prepared.composite[area.slices]
    return round(seam_score(rgb, composite), 3), round(colour_shift(rgb, composite), 2)


def _rounded(error: float | None) -> float | None:
    return None if error is None else round(error, 2)
