"""Paint a mask, change only what is under it, and prove it."""

__version__ = "0.1.0"
