import subprocess
from pathlib import Path

import pytest

from genimg_ui.ui.canvas import component
from genimg_ui.ui.canvas.bundle import bundle, import_order, join_modules, read_modules
from tests.browser_support import find_node

JS = Path(component.__file__).parent / "js"


def test_every_module_is_needed_and_comes_after_its_imports() -> None:
    modules = read_modules(JS)
    order = import_order(modules, "main")
    assert sorted(order) == sorted(modules)
    assert order.index("raster") < order.index("mask") < order.index("editor")
    assert order[-1] == "main"


def test_the_bundle_is_one_function_body_of_valid_script(tmp_path: Path) -> None:
    script = bundle(JS, {"maxBytes": 7})
    assert '"maxBytes": 7' in script
    assert "\nimport " not in script
    assert "\nexport " not in script
    body = tmp_path / "body.cjs"
    body.write_text(f"(function (element, trigger, props, server, upload, watch) {{{script}}});")
    done = subprocess.run([find_node(), "--check", str(body)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_events_are_quoted_so_that_gradio_makes_listeners() -> None:
    script = bundle(JS, {})
    for event in ("picture_opened", "mask_edited", "border_changed", "refused"):
        assert f'"{event}"' in script


def test_a_name_used_twice_is_refused() -> None:
    sources = {
        "main": 'import { a } from "./b.js";\nconst x = a;\n',
        "b": "export const a = 1;\nlet x;\n",
    }
    with pytest.raises(ValueError, match="'x' in b.js and main.js"):
        join_modules(sources, "main")


def test_a_circle_of_imports_is_refused() -> None:
    sources = {
        "main": 'import { a } from "./b.js";\n',
        "b": 'import { c } from "./main.js";\n',
    }
    with pytest.raises(ValueError, match="main → b → main"):
        join_modules(sources, "main")


def test_an_import_that_cannot_be_joined_is_refused() -> None:
    sources = {"main": 'import b from "./b.js";\n', "b": "export const a = 1;\n"}
    with pytest.raises(ValueError, match="imports must be"):
        join_modules(sources, "main")


def test_the_page_templates_hold_nothing_that_gradio_would_expand() -> None:
    for name in ("template.html", "style.css"):
        text = (JS.parent / name).read_text(encoding="utf-8")
        assert not any(mark in text for mark in ("${", "{{", "`", "\\", "@children")), name
