"""A study: pictures by several players, and the pairs of them that people are asked about.

A player is what is ranked: a model, or a setting of a run. Two pictures are compared only where
they are of one case: the same picture, mask and border, and the same prompt unless that varies.
Everything is drawn from the study's seed by SHA-256, so no version of a library changes it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from genimg_ui.errors import RefusedInput

MOST_PAIRS = 500
LONGEST_TITLE, LONGEST_INSTRUCTIONS = 120, 2000  # characters
INSTRUCTIONS = (
    "You see two pictures side by side; a part of each was painted by a program. Choose the one "
    "that looks better as a whole: natural, complete, without a visible seam. Where words stand "
    "above the pictures, they were the task. Zoom in, and go by your own eye: no answer is wrong."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One picture of a study: result `index` of the edit `entry`, by `player`.

    `picture` names the copy that raters see, 32 random hex digits that tell nothing.
    """

    case: str
    player: str
    entry: str
    index: int
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two items by their places in `Study.items`; which is the first was drawn."""

    id: int
    first: int
    second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A pair as one rater sees it; `left` and `right` are places in `Study.items`."""

    pair: int
    left: int
    right: int
    first_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One study. Its id is all that a rater needs to take part, and cannot be guessed."""

    id: str
    owner: str  # session id
    created: str  # ISO 8601, UTC
    title: str
    instructions: str
    seed: int
    items: tuple[Item, ...]
    pairs: tuple[Pair, ...]
    prompts: dict[str, str]  # by case; "" where there is none, or where it varies
    schema: int = 1

    @property
    def players(self) -> tuple[str, ...]:
        """Everybody who stands in a pair, sorted."""
        places = {place for pair in self.pairs for place in (pair.first, pair.second)}
        return tuple(sorted({self.items[place].player for place in places}))

    def schedule(self, rater: str) -> tuple[Shown, ...]:
        """All pairs in this rater's order and sides.

        Each rater has an order of their own. Of the pairs of the same two players, each stands on
        the left in half, up to one.
        """
        order = sorted(self.pairs, key=lambda pair: _digest(self.seed, "order", rater, pair.id))
        seen: dict[tuple[str, str], int] = {}
        shown = []
        for pair in order:
            names = _players(self.items, pair.first, pair.second)
            turn = seen.get(names, _bit(self.seed, "side", rater, *names))
            seen[names] = turn + 1
            sides = (pair.first, pair.second)
            if (self.items[pair.first].player == names[0]) != (turn % 2 == 0):
                sides = sides[::-1]
            shown.append(
                Shown(
                    pair=pair.id, left=sides[0], right=sides[1], first_left=sides[0] == pair.first
                )
            )
        return tuple(shown)


def draw_pairs(items: Sequence[Item], count: int, seed: int) -> tuple[Pair, ...]:
    """At most `count` pairs, each two players as often as any other two, as far as there are.

    No two items are paired twice. Raises RefusedInput where nothing can be compared.
    """
    if not 1 <= count <= MOST_PAIRS:
        raise RefusedInput(f"A study must have 1 to {MOST_PAIRS} pairs, got {count}.")
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one, two in combinations(range(len(items)), 2):
        if items[one].case == items[two].case and items[one].player != items[two].player:
            groups.setdefault(_players(items, one, two), []).append((one, two))
    if not groups:
        raise RefusedInput(
            "A study needs two results of the same picture, mask and prompt that differ in what is "
            f"compared, got {len(items)} results without such a pair.",
            remedy="Edit the same picture with another model, or compare the settings of a run.",
        )
    for names, group in groups.items():
        group.sort(key=lambda pair: _digest(seed, "pair", items[pair[0]].picture, pair))
        start = _bit(seed, "first", *names)
        groups[names] = [_placed(items, pair, start + n) for n, pair in enumerate(group)]
    drawn: list[tuple[int, int]] = []
    turns = sorted(groups, key=lambda names: _digest(seed, "turn", *names))
    for turn in range(max(map(len, groups.values()))):
        drawn += [groups[names][turn] for names in turns if turn < len(groups[names])]
    return tuple(Pair(id=n, first=a, second=b) for n, (a, b) in enumerate(drawn[:count]))


def check_texts(title: str, instructions: str) -> tuple[str, str]:
    """Both without blanks around them; the usual instructions where there are none."""
    title, instructions = title.strip(), instructions.strip() or INSTRUCTIONS
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise RefusedInput(
            f"A study's title must have 1 to {LONGEST_TITLE} characters, got {len(title)}."
        )
    if len(instructions) > LONGEST_INSTRUCTIONS:
        raise RefusedInput(
            f"The instructions must have at most {LONGEST_INSTRUCTIONS} characters, got "
            f"{len(instructions)}."
        )
    return title, instructions


def _placed(items: Sequence[Item], pair: tuple[int, int], turn: int) -> tuple[int, int]:
    """The pair with the first player (by name) first in even turns, second in odd ones."""
    names = _players(items, *pair)
    return pair if (items[pair[0]].player == names[0]) == (turn % 2 == 0) else pair[::-1]


def _players(items: Sequence[Item], one: int, two: int) -> tuple[str, str]:
    first, second = sorted((items[one].player, items[two].player))
    return first, second


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).digest()


def _bit(*parts: object) -> int:
    return _digest(*parts)[0] & 1
