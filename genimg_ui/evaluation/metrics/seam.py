"""What can be seen without the original: the seam, and colours that do not fit."""

from genimg_ui.core.report import colour_shift, seam_score
from genimg_ui.evaluation.metrics.base import Pair, Score, Undefined

_NAMES = ("seam", "colour_shift")


def seams(pair: Pair) -> dict[str, Score]:
    """The seam score and colour shift of `core.report`, as every entry has them too.

    The seam score is 1 where the step across the hole's edge is as those beside it; the colour
    shift is CIE76's difference of the mean colours of the rings on both sides of the edge.
    """
    hole = pair.hole
    if hole.all() or not hole.any():
        sentence = "The mask has no edge inside the picture."
        return {name: Undefined(name, sentence) for name in _NAMES}
    mask = hole.astype("uint8") * 255
    return {"seam": seam_score(pair.result, mask), "colour_shift": colour_shift(pair.result, mask)}
