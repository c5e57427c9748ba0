"""Which tokens of textual inversions stand in a prompt."""

import re
from collections.abc import Sequence

_BRACKETED = re.compile(r"<[^<>\s]+>")  # how tokens are usually written


def named_tokens(texts: Sequence[str], tokens: Sequence[str]) -> tuple[str, ...]:
    """Those of `tokens` that stand in one of `texts` as words, in the order of `tokens`."""
    return tuple(token for token in tokens if any(_stands(token, text) for text in texts))


def unknown_tokens(texts: Sequence[str], tokens: Sequence[str]) -> tuple[str, ...]:
    """What is written in `texts` like a token, as `<toy>`, and is none of `tokens`."""
    found = dict.fromkeys(name for text in texts for name in _BRACKETED.findall(text))
    return tuple(name for name in found if name not in tokens)


def _stands(token: str, text: str) -> bool:
    """Not inside a longer word, where the token is made of letters."""
    before = r"(?<!\w)" if token[0].isalnum() else ""
    after = r"(?!\w)" if token[-1].isalnum() else ""
    return re.search(before + re.escape(token) + after, text) is not None
