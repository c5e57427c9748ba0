"""Ranges: what came is either inside, or refused with what is allowed."""

from genimg_ui.errors import RefusedInput


def check_range(
    name: str, value: float, low: float, high: float, *, open_low: bool = False
) -> None:
    """Refuse a value outside [low, high], or (low, high] where `open_low`; NaN is outside."""
    above = value > low if open_low else value >= low
    if above and value <= high:
        return
    bracket = "(" if open_low else "["
    raise RefusedInput(
        f"{name} must be in {bracket}{_number(low)}, {_number(high)}], got {_number(value)}."
    )


def _number(value: float) -> str:
    """Whole numbers in full: a seed must not be shown as 4.29497e+09."""
    return str(value) if isinstance(value, int) else f"{value:g}"
