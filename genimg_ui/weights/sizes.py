"""Numbers of bytes and seconds in words."""

GIGA, MEGA, KILO = 10**9, 10**6, 10**3
MANY_SECONDS, MANY_MINUTES = 90, 90


def size_text(count: int) -> str:
    """Bytes as the person reads them: 2.13 GB, 4.0 MB, 2 kB."""
    if count >= GIGA / 10:
        return f"{count / GIGA:.2f} GB"
    return f"{count / MEGA:.1f} MB" if count >= MEGA / 10 else f"{count / KILO:.0f} kB"


def time_text(seconds: float) -> str:
    """Seconds as the person reads them: 40 s, 12 min, 1.6 h."""
    if seconds < MANY_SECONDS:
        return f"{max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"{round(minutes)} min" if minutes < MANY_MINUTES else f"{minutes / 60:.1f} h"
