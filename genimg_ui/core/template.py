r"""Prompt templates: fields and alternatives in one text, expanded to every prompt that it means.

`[subject]` is filled from a table of fields, `{a|b}` stands for a and for b. A field may stand
inside an alternative, and has one value throughout a prompt, however often it is named. Braces
within braces are refused. `\{ \} \[ \] \| \\` are the characters themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from genimg_ui.core.resolve import MAX_PROMPT
from genimg_ui.errors import RefusedInput

MAX_COMBINATIONS = 1024  # before equal prompts are dropped
MAX_FIELDS = 20
SPECIAL = "{}[]|\\"
_FIELD_NAME = re.compile(r"[^\W\d][\w -]{0,39}")
_SHOWN = 40  # characters of a refused text that a sentence repeats

Table = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Field:
    """A place that the table fills."""

    name: str


_Text = tuple[str | _Field, ...]  # a run of literal text and fields


@dataclass(frozen=True, slots=True)
class _Choice:
    """`{a|b}`: one of several texts."""

    options: tuple[_Text, ...]


_Part = str | _Field | _Choice


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read; `fields` are the names that it uses, in order of first use."""

    parts: tuple[_Part, ...]
    fields: tuple[str, ...]

    def combinations(self, table: Table) -> int:
        """How many ways there are to choose; equal prompts are counted each."""
        choices = [part for part in self.parts if isinstance(part, _Choice)]
        of_fields = prod(len(_values(name, table)) for name in self.fields)
        return of_fields * prod(len(choice.options) for choice in choices)

    def expand(self, table: Table, *, limit: int = MAX_COMBINATIONS) -> tuple[str, ...]:
        """Every different prompt, fields first, in the order in which they are written.

        Raises RefusedInput where a field is not in the table or there are more than `limit`.
        """
        combinations = self.combinations(table)
        if combinations > MAX_COMBINATIONS:
            raise _too_many(combinations, MAX_COMBINATIONS)
        found: dict[str, None] = {}  # keeps the order
        for values in product(*(_values(name, table) for name in self.fields)):
            known = dict(zip(self.fields, values, strict=True))
            choices = (_texts(part, known) for part in self.parts)
            for pieces in product(*choices):
                found["".join(pieces).strip()] = None
        if len(found) > limit:
            raise _too_many(len(found), limit)
        for prompt in found:
            if len(prompt) > MAX_PROMPT:
                raise RefusedInput(
                    f"A prompt may have at most {MAX_PROMPT} characters, got {len(prompt)}."
                )
        return tuple(found)


def parse_template(text: str) -> Template:
    """Read a template; raises RefusedInput that names the character where it is broken."""
    if len(text) > MAX_PROMPT:
        raise RefusedInput(f"A template may have at most {MAX_PROMPT} characters, got {len(text)}.")
    reader = _Reader(text)
    parts = reader.parts()
    return Template(parts=parts, fields=tuple(reader.fields))


def parse_table(text: str) -> dict[str, tuple[str, ...]]:
    r"""Read a table of fields: a line `name = value` or `name = one | another` for each.

    `\|` is a bar within a value. Raises RefusedInput that names the line.
    """
    table: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, separator, values = line.partition("=")
        name = name.strip().removeprefix("[").removesuffix("]").strip()
        if not separator or not is_field_name(name):
            raise RefusedInput(
                f"Line {number} of the fields must be name = value or name = one | another, "
                f"got {line.strip()[:_SHOWN]!r}."
            )
        if name in table:
            raise RefusedInput(f"Line {number} of the fields names [{name}] again.")
        table[name] = split_values(values)
    if len(table) > MAX_FIELDS:
        raise RefusedInput(f"A table may have at most {MAX_FIELDS} fields, got {len(table)}.")
    return table


def write_table(table: Table) -> str:
    """The inverse of `parse_table`."""
    return "\n".join(f"{name} = {join_values(values)}" for name, values in table.items())


def is_field_name(name: str) -> bool:
    """Whether `name` may stand between brackets: a letter, then letters, digits, space, - or _."""
    return _FIELD_NAME.fullmatch(name) is not None


def split_values(text: str) -> tuple[str, ...]:
    r"""The values of a field, parted by bars that no backslash stands before."""
    pieces = re.split(r"(?<!\\)\|", text)
    return tuple(piece.replace("\\|", "|").strip() for piece in pieces)


def join_values(values: tuple[str, ...]) -> str:
    """The inverse of `split_values`."""
    return " | ".join(value.replace("|", "\\|") for value in values)


class _Reader:
    """Walks once over a template's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.fields: dict[str, None] = {}

    def parts(self) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        while self._at < len(self._text):
            parts += self._run(stop="{}")
            if self._at == len(self._text):
                break
            if self._text[self._at] == "}":
                raise self._broken("a } without its {")
            parts.append(self._choice())
        return tuple(parts)

    def _choice(self) -> _Choice:
        start = self._at
        self._at += 1
        options: list[_Text] = []
        while True:
            options.append(self._run(stop="{}|"))
            if self._at == len(self._text):
                self._at = start
                raise self._broken("a { without its }")
            stopped = self._text[self._at]
            if stopped == "{":
                raise self._broken("a { within braces, and alternatives cannot be nested")
            self._at += 1
            if stopped == "}":
                return _Choice(tuple(options))

    def _run(self, *, stop: str) -> _Text:
        """Literal text and fields up to a character of `stop`, or to the end."""
        run: list[str | _Field] = []
        literal = ""
        while self._at < len(self._text) and self._text[self._at] not in stop:
            character = self._text[self._at]
            if character == "[":
                run += [literal, self._field()]
                literal = ""
                continue
            if character == "]":
                raise self._broken("a ] without its [")
            following = self._text[self._at + 1 : self._at + 2]
            if character == "\\" and following and following in SPECIAL:
                character, self._at = following, self._at + 1
            literal += character
            self._at += 1
        return tuple(piece for piece in (*run, literal) if piece != "")

    def _field(self) -> _Field:
        end = self._text.find("]", self._at)
        if end < 0:
            raise self._broken("a [ without its ]")
        name = self._text[self._at + 1 : end].strip()
        if not is_field_name(name):
            raise self._broken(f"[{name[:_SHOWN]}], which is no field's name")
        self._at = end + 1
        self.fields[name] = None
        return _Field(name)

    def _broken(self, what: str) -> RefusedInput:
        return RefusedInput(
            f"The template has {what} (character {self._at + 1}).",
            remedy="Write \\ before a bracket, brace or bar that is meant as it stands.",
        )


def _texts(part: _Part, known: Mapping[str, str]) -> tuple[str, ...]:
    if isinstance(part, _Choice):
        return tuple(_filled(option, known) for option in part.options)
    return (_filled((part,), known),)


def _filled(text: _Text, known: Mapping[str, str]) -> str:
    return "".join(known[piece.name] if isinstance(piece, _Field) else piece for piece in text)


def _values(name: str, table: Table) -> tuple[str, ...]:
    values = table.get(name, ())
    if not any(values):
        known = ", ".join(f"[{field}]" for field in table) or "none"
        raise RefusedInput(
            f"The template uses [{name}], which the fields do not fill (they have: {known}).",
            remedy=f"Add a line {name} = ..., or write \\[ for a plain bracket.",
        )
    return values


def _too_many(count: int, limit: int) -> RefusedInput:
    return RefusedInput(
        f"The template means {count} prompts, and {limit} are allowed.",
        remedy="Use fewer alternatives.",
    )
