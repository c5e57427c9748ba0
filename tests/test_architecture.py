"""The rules of the house, read from the source: who may import whom, and how long things get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "genimg_ui"
FILES = sorted(PACKAGE.rglob("*.py"))
TRAINING = sorted(p for p in (ROOT / "training").rglob("*.py") if "output" not in p.parts)
MAX_FILE, MAX_FUNCTION, MAX_POSITIONAL = 300, 40, 5
PLAIN_SPEECH = 20  # lines; a longer public function has a docstring, however good its name


class Layer(NamedTuple):
    """What a part may import: parts of this project (by prefix), and packages of others."""

    ours: tuple[str, ...]
    others: tuple[str, ...] = ()


# By folder, or by file at the top; everything may import the standard library, but see PURE.
LAYERS = {
    "core": Layer(("core", "errors"), ("numpy", "PIL")),
    "errors": Layer(()),
    "weights": Layer(("core.provenance", "errors", "weights"), ("huggingface_hub", "httpx2")),
    "environment": Layer(("__version__",)),
    "yaml_reader": Layer(("errors", "weights"), ("yaml",)),
    "registry": Layer(("core", "errors", "registry", "weights", "yaml_reader"), ("yaml",)),
    "presets": Layer(("core", "errors", "preset_units", "registry", "yaml_reader"), ("yaml",)),
    "preset_units": Layer(("core", "errors", "registry", "yaml_reader"), ("yaml",)),
    "preset_shelf": Layer(("errors", "history", "presets")),
    "shelf": Layer(("core", "errors", "history", "registry", "shelf", "weights"), ("yaml",)),
    "history": Layer(("core", "errors", "history", "__version__"), ("numpy", "PIL")),
    "credentials": Layer(
        ("core", "errors", "history", "credentials", "__version__"), ("c2pa", "cryptography")
    ),
    "exporting": Layer(
        ("core", "errors", "history", "credentials", "exporting"),
        ("numpy", "PIL", "tifffile", "psd_tools"),
    ),
    "backend": Layer(
        ("core", "environment", "errors", "registry", "weights", "backend"),
        (
            "numpy",
            "PIL",
            "cv2",
            "torch",
            "diffusers",
            "transformers",
            "safetensors",
            "compel",
            "psutil",
            "controlnet_aux",
            "llvmlite",
            "spandrel",
        ),
    ),
    "provenance": Layer(
        (
            "core",
            "environment",
            "registry",
            "weights",
            "history.record",
            "backend.base",
            "backend.pool",
            "preparation",
        ),
        ("numpy",),
    ),
    "controls": Layer(("core", "backend.base", "backend.pool")),
    "preparation": Layer(
        (
            "core",
            "controls",
            "errors",
            "registry",
            "history.names",
            "history.record",
            "backend.base",
            "backend.pool",
        ),
        ("numpy",),
    ),
    "pasting": Layer(("core", "history.record", "backend.base", "preparation"), ("numpy",)),
    "passes": Layer(
        (
            "core",
            "registry",
            "history.record",
            "backend.base",
            "backend.pool",
            "pasting",
            "preparation",
        ),
        ("numpy", "PIL"),
    ),
    "editor": Layer(
        (
            "shelf.licences",
            "core",
            "errors",
            "registry",
            "history",
            "backend.base",
            "backend.pool",
            "environment",
            "passes",
            "pasting",
            "preparation",
            "provenance",
        ),
        ("numpy",),
    ),
    "bundle": Layer(("core", "errors", "history", "masks", "bundle"), ("numpy",)),
    "replay": Layer(
        (
            "core",
            "errors",
            "history",
            "backend.base",
            "pasting",
            "preparation",
            "editor",
            "bundle",
            "replay",
        )
    ),
    "evaluation": Layer(
        (
            "core",
            "errors",
            "registry",
            "editor",
            "environment",
            "history",
            "masks",
            "backend.base",
            "presets",
            "yaml_reader",
            "evaluation",
            "weights.folders",
        ),
        ("numpy", "PIL", "cv2", "skimage", "torch", "torchmetrics", "transformers", "yaml"),
    ),
    "masks": Layer(("core",), ("PIL",)),
    "examples": Layer(("core", "masks"), ("numpy", "PIL")),
    "jobs": Layer(("core", "errors", "history", "backend.base", "jobs"), ("PIL",)),
    "zerogpu": Layer(("core", "errors", "history", "jobs", "registry")),
    "drafts": Layer(("core", "errors")),
    "pictures": Layer(("core", "errors", "history"), ("PIL",)),
    "workspace": Layer(
        (
            "shelf.licences",
            "core",
            "errors",
            "examples",
            "history",
            "jobs",
            "registry",
            "drafts",
            "pictures",
        ),
    ),
    "runs": Layer(("core", "errors", "history", "jobs", "registry", "workspace")),
    "run_exports": Layer(("core", "errors", "history", "runs", "workspace"), ("numpy", "PIL")),
    "ui": Layer(
        (
            "weights.sizes",
            "beginnings",
            "shelf",
            "core",
            "errors",
            "examples",
            "history",
            "jobs",
            "preset_shelf",
            "presets",
            "registry",
            "result_exports",
            "run_exports",
            "runs",
            "versions",
            "workspace",
            "ui",
            "credentials.reading",
            "downloads",
            "exporting",
            "recall",
            "handover",
            "judging",
            "evaluations",
        ),
        ("gradio",),
    ),
    "result_exports": Layer(("errors", "history")),
    "beginnings": Layer(("core", "drafts", "errors", "registry", "workspace")),
    "versions": Layer(("core", "errors", "history", "drafts", "workspace")),
    "handover": Layer(("bundle", "core", "drafts", "errors", "history", "recall", "workspace")),
    "recall": Layer(("core", "drafts", "errors", "history", "workspace")),
    "downloads": Layer(("credentials", "errors", "exporting", "history", "workspace")),
    "links": Layer(("history",)),
    "evaluations": Layer(
        (
            "core",
            "errors",
            "evaluation.baselines",
            "evaluation.folder",
            "evaluations",
            "history",
            "registry",
        )
    ),
    "judging": Layer(("core", "errors", "evaluation.folder", "history", "judging"), ("numpy",)),
    "raters": Layer(("errors", "judging", "links"), ("starlette",)),
    "housekeeping": Layer(("errors", "history")),
    "settings": Layer(("core", "errors", "credentials.identity", "exporting.formats")),
    "commands": Layer(
        (
            "backend.base",
            "backend.pool",
            "bundle",
            "commands",
            "core",
            "credentials",
            "editor",
            "errors",
            "evaluation",
            "examples",
            "exporting",
            "history",
            "jobs",
            "judging",
            "masks",
            "preset_shelf",
            "presets",
            "registry",
            "replay",
            "run_exports",
            "runs",
            "settings",
            "shelf",
            "weights",
            "workspace",
        ),
    ),
    "cli": Layer(("core", "errors", "commands", "settings")),
    "__main__": Layer(("cli",)),
    "application": Layer(
        (
            "shelf",
            "core",
            "errors",
            "examples",
            "history",
            "housekeeping",
            "jobs",
            "evaluations",
            "judging",
            "links",
            "raters",
            "downloads",
            "exporting",
            "handover",
            "recall",
            "registry",
            "settings",
            "ui",
            "workspace",
            "zerogpu",
        ),
        ("starlette",),
    ),
    "__init__": Layer(()),
}
# Files that may do more than their layer, each for a reason that its docstring gives.
MORE = {
    "core/fill": Layer((), ("cv2", "numba", "scipy")),
    "core/colour_match.py": Layer((), ("cv2",)),
    "core/membrane.py": Layer((), ("cv2",)),
    "core/difference.py": Layer((), ("cv2",)),
    "core/mask.py": Layer((), ("cv2",)),
    "core/report.py": Layer((), ("cv2",)),
    "core/sheet.py": Layer((), ("cv2",)),
    "core/smooth.py": Layer((), ("cv2",)),
    "jobs/compose.py": Layer(("registry", "backend.pool", "editor", "environment", "replay")),
}
# What would make a result of core depend on something else than its arguments.
PURE = (
    "os",
    "time",
    "datetime",
    "random",
    "secrets",
    "uuid",
    "socket",
    "subprocess",
    "tempfile",
    "shutil",
    "sqlite3",
    "urllib",
    "logging",
)
# The files that import by name when they are first asked, because that import takes seconds.
LATE = {
    "backend/pool.py",
    "backend/diffusion/quantising.py",  # torchao, where an entry asks for it
    "jobs/worker.py",
    "zerogpu.py",
    "application.py",
    "commands/evaluations.py",
}
READS_FILES = {
    "core/pngchunks.py",  # opens what `decode` is given, and nothing else
    "ui/blocks.py",
    "ui/parts/__init__.py",
    "ui/canvas/component.py",
    "ui/canvas/bundle.py",
}
FILE_CALLS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "rename"}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _name(path: Path) -> str:
    inside = path.is_relative_to(PACKAGE)
    return path.relative_to(PACKAGE if inside else ROOT).as_posix()


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "genimg_ui":
                yield from (f"genimg_ui.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def _layers(name: str) -> list[Layer]:
    part = name.split("/")[0].removesuffix(".py")
    return [LAYERS[part], *(layer for place, layer in MORE.items() if name.startswith(place))]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_follow_the_layers(path: Path) -> None:
    name = _name(path)
    layers = _layers(name)
    ours = tuple(prefix for layer in layers for prefix in layer.ours)
    others = {package for layer in layers for package in layer.others}
    for module in _imports(_tree(path)):
        top, _, rest = module.partition(".")
        if top == "genimg_ui":
            allowed = any(rest == prefix or rest.startswith(f"{prefix}.") for prefix in ours)
            assert allowed, f"{name} must not import {module}"
        elif top not in sys.stdlib_module_names:
            assert top in others, f"{name} must not import {module}"
        elif name.startswith("core/"):
            assert top not in PURE, f"core is pure: {name} must not import {module}"


def test_every_layer_is_there() -> None:
    found = {_name(path).split("/")[0].removesuffix(".py") for path in FILES}
    assert found == set(LAYERS)


@pytest.mark.parametrize("path", FILES + TRAINING, ids=_name)
def test_files_functions_and_parameters_stay_short(path: Path) -> None:
    text, name = path.read_text("utf-8"), _name(path)
    assert text.count("\n") <= MAX_FILE, f"{name} is longer than {MAX_FILE} lines"
    assert path.stem not in ("utils", "helpers", "misc", "common")
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, ast.Global | ast.Nonlocal), f"{name} rebinds an outer name"
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or 0) - node.lineno + 1
        assert lines <= MAX_FUNCTION, f"{name}: {node.name} has {lines} lines"
        positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        count = len([arg for arg in positional if arg not in ("self", "cls")])
        assert count <= MAX_POSITIONAL, f"{name}: {node.name} has {count} positional parameters"


@pytest.mark.parametrize("path", FILES + TRAINING, ids=_name)
def test_imports_stand_at_the_top(path: Path) -> None:
    name, tree = _name(path), _tree(path)
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert id(node) in at_top, f"{name}:{node.lineno} imports inside"
        if isinstance(node, ast.Attribute) and node.attr == "import_module":
            assert name in LATE, f"{name}:{node.lineno} imports by name"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("__import__", "eval", "exec")


@pytest.mark.parametrize(
    "path", [p for p in FILES if _name(p).startswith(("core/", "ui/"))], ids=_name
)
def test_core_and_page_touch_no_files_and_draw_no_chance(path: Path) -> None:
    name = _name(path)
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        own = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self"
        if (called in FILE_CALLS and not own) or ast.unparse(node.func) == "open":
            assert name in READS_FILES, f"{name}:{node.lineno} touches a file"
        if called == "default_rng":
            assert node.args, f"{name}:{node.lineno} draws a seed of its own"


@pytest.mark.parametrize("path", FILES + TRAINING, ids=_name)
def test_modules_classes_and_long_functions_say_what_they_are(path: Path) -> None:
    tree, name = _tree(path), _name(path)
    assert not tree.body or ast.get_docstring(tree), f"{name} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}: {node.name} has no docstring"
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= PLAIN_SPEECH or ast.get_docstring(node), f"{name}: {node.name}"


HEAVY = ("torch", "torchvision", "diffusers", "transformers", "controlnet_aux", "numba")


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("genimg_ui.application, genimg_ui.jobs.worker", HEAVY),
        ("genimg_ui.cli", (*HEAVY, "gradio")),
        ("genimg_ui.workspace", (*HEAVY, "gradio")),
        (
            "genimg_ui.core.plan, genimg_ui.core.image, genimg_ui.core.png, genimg_ui.core.report",
            (*HEAVY, "gradio", "yaml", "sqlite3"),
        ),
        ("genimg_ui.core.fill", ("torch", "gradio", "diffusers")),
        ("genimg_ui.history.store", (*HEAVY, "gradio", "yaml")),
        ("genimg_ui.evaluation.session", (*HEAVY, "gradio", "torchmetrics", "skimage")),
        ("genimg_ui.evaluation.folder, genimg_ui.evaluation.results", (*HEAVY, "gradio", "yaml")),
        (
            "genimg_ui.evaluation.protocol_file, genimg_ui.evaluation.masks, "
            "genimg_ui.evaluation.statistics, genimg_ui.evaluation.metrics.catalogue",
            (*HEAVY, "gradio", "torchmetrics", "skimage"),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_starting_is_light(modules: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {modules}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_test_files_have_names_of_their_own() -> None:
    """Without a package around them, pytest imports each by its name alone."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
