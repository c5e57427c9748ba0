"""A replay's verdict as short lines of the page; the command line tells all of it."""

import re
from typing import Any

SHOWN_LINES = 12
_DIGESTS = re.compile(r" was [0-9a-f]{12}, is [0-9a-f]{12} \(SHA-256\)")
_DIGEST = re.compile(r"\b[0-9a-f]{12}\b(.*?) \(SHA-256\)")


def outcome_lines(verdict: dict[str, Any]) -> list[str]:
    """What differs, a line each; digests, which say nothing to a reader, become words."""
    told = [verdict["reason"]]
    if verdict["verdict"] != "refused":
        told = verdict.get("sentences") or told
    parts = [part for sentence in told for part in str(sentence).split("; ")]
    lines = [_in_words(part) for part in parts if part]
    more = len(lines) - SHOWN_LINES
    if more <= 1:
        return lines
    return [*lines[:SHOWN_LINES], f"and {more} more, which the command `replay` lists"]


def _in_words(line: str) -> str:
    return _DIGEST.sub(r"here\1", _DIGESTS.sub(" has other content", line))
