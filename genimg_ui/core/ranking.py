"""One number by which the results of a run are sorted: how well the mask's edge hides."""

COLOUR_UNIT = 10.0  # ΔE that weighs as much as a seam of twice the steps beside it
EXPLAINED = (
    "Lower hides the mask's edge better: edge (1 is as smooth as beside it) above 1, plus a tenth "
    "of how far the colours differ there. It does not say whether the picture is what you want."
)


def edge_score(seam: float, colour_shift: float) -> float:
    """From the report's `seam` (1: none) and `colour_shift` (ΔE); 0 hides best."""
    return round(max(0.0, seam - 1.0) + colour_shift / COLOUR_UNIT, 3)
