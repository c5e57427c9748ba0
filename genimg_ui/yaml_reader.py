"""Reads the nodes of a YAML file into values; each refusal names file, line and key.

Values are taken as written: `true` and `false` are the only flags, numbers must be finite.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml

from genimg_ui.errors import RefusedInput
from genimg_ui.weights import folders


def compose(path: Path) -> yaml.Node | None:
    """The root node of a YAML file, or a refusal that says where it is broken."""
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RefusedInput(f"{path} must be UTF-8 text, byte {error.start} is not") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RefusedInput(f"{path.name} line {line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise RefusedInput(f"{path.name} is no YAML: {str(error).splitlines()[0]}") from error


def shown(node: yaml.Node | None) -> str:
    if node is None:
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return f'"{node.value}"' if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a table"


class YamlReader:
    """Reads YAML nodes into values; each refusal names file, line and key."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self.folder = path.resolve().parent

    def refuse(self, node: yaml.Node | None, key: str, complaint: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 1
        raise RefusedInput(f"{self._name} line {line}: {key} {complaint}")

    def items(
        self, node: yaml.Node | None, key: str, *, allowed: tuple[str, ...] | None = None
    ) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, key or "the file", f"must be a table of keys, got {shown(node)}")
        seen: set[str] = set()
        for name_node, value in node.value:
            name = str(name_node.value)
            full = f"{key}.{name}" if key else name
            if name in seen:
                self.refuse(name_node, full, "appears twice")
            if allowed is not None and name not in allowed:
                self.refuse(name_node, full, f"is unknown; known keys: {', '.join(allowed)}")
            seen.add(name)
            yield name, value

    def text(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            self.refuse(node, key, f"must be a text, got {shown(node)}")
        return str(node.value).strip()

    def choice(self, node: yaml.Node, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(node, key)
        if value not in allowed:
            self.refuse(node, key, f'must be one of {", ".join(allowed)}, got "{value}"')
        return value

    def flag(self, node: yaml.Node, key: str) -> bool:
        if not isinstance(node, yaml.ScalarNode) or node.value not in ("true", "false"):
            self.refuse(node, key, f"must be true or false, got {shown(node)}")
        return bool(node.value == "true")

    def number(self, node: yaml.Node, key: str, *, low: float, high: float) -> float:
        try:
            value = float(node.value)
        except (TypeError, ValueError):
            value = float("nan")
        if not low <= value <= high:
            self.refuse(node, key, f"must be in [{low:g}, {high:g}], got {shown(node)}")
        return value

    def whole(self, node: yaml.Node, key: str, *, low: int, high: int) -> int:
        value = self.number(node, key, low=low, high=high)
        if value != int(value):
            self.refuse(node, key, f"must be a whole number, got {shown(node)}")
        return int(value)

    def source(self, node: yaml.Node, key: str) -> str:
        """A hub id, or a folder or file (relative to models.yaml) made absolute."""
        value = self.text(node, key)
        place = (self.folder / Path(value).expanduser()).resolve()
        if place.exists() or value.startswith((".", "/", "~")):
            return str(place)
        if not folders.is_hub_id(value):
            self.refuse(
                node, key, f'must be a hub id "owner/name", a folder or a file, got "{value}"'
            )
        return value
