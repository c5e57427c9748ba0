"""One script of the canvas's JavaScript modules, without a build tool.

The modules are plain ES modules in `js/`; each imports by name from siblings. Here they are put in
order of their imports, the import lines and the word `export` are dropped, and all share one
function scope, so every top-level name must be unique: a clash is refused.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

IMPORT = re.compile(r'^import\s*\{[^}]*\}\s*from\s*"\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
TOP_LEVEL = re.compile(r"^(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
HOST = "element, trigger, props, upload, watch"  # the names that gr.HTML injects


def import_order(sources: Mapping[str, str], entry: str) -> list[str]:
    """Modules that `entry` needs, each after those which it imports."""
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in path:
            raise ValueError(
                f"modules must not import in a circle, got {' → '.join([*path, name])}"
            )
        if name not in sources:
            raise ValueError(f"module {name}.js must exist, found {', '.join(sorted(sources))}")
        path.append(name)
        for needed in IMPORT.findall(sources[name]):
            visit(needed)
        path.pop()
        order.append(name)

    visit(entry)
    return order


def join_modules(sources: Mapping[str, str], entry: str) -> str:
    """The modules as one script without imports and exports."""
    owners: dict[str, str] = {}
    parts = []
    for name in import_order(sources, entry):
        text = EXPORT.sub("", IMPORT.sub("", sources[name]))
        for line in text.splitlines():
            if line.startswith(("import ", "export ")):
                raise ValueError(
                    f'{name}.js: imports must be `import {{ a }} from "./b.js"` and exports '
                    f"declarations, got {line!r}"
                )
        for found in TOP_LEVEL.findall(text):
            if found in owners:
                raise ValueError(
                    f"top-level names must be unique, got {found!r} "
                    f"in {owners[found]}.js and {name}.js"
                )
            owners[found] = name
        parts.append(f"// {name}.js\n{text}")
    return "\n".join(parts)


def read_modules(folder: Path) -> dict[str, str]:
    """Text of each module by its name without the ending."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}


def bundle(folder: Path, settings: Mapping[str, int]) -> str:
    """The body of gr.HTML's `js_on_load`: all modules, then the call that mounts the canvas."""
    script = join_modules(read_modules(folder), "main")
    mount = f"mount({{ {HOST}, settings: {json.dumps(dict(settings))} }});"
    return f'"use strict";\n{script}\n{mount}\n'
