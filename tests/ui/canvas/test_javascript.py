"""The pure JavaScript modules, run by the Node binary that comes with Playwright."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.core.mask import make_masks
from genimg_ui.core.request import MaskParams
from genimg_ui.ui.canvas import component
from tests.browser_support import find_node

TESTS = sorted((Path(__file__).parent / "js").glob("*.test.js"))
JS = Path(component.__file__).parent / "js"
COMPOSITE = """
import {{ compositeMask }} from "{module}";
const {{ data, width, height, options }} = {job};
console.log(JSON.stringify([...compositeMask(Uint8Array.from(data), width, height, options)]));
"""


def test_the_modules_pass_their_unit_tests() -> None:
    assert TESTS
    done = subprocess.run(
        [find_node(), "--no-warnings", "--test", *map(str, TESTS)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "fail 0" in done.stdout


@pytest.mark.parametrize(("grow", "feather"), [(0, 5), (6, 0), (-4, 3), (9, 12)])
def test_the_preview_is_the_composite_mask_that_the_server_computes(
    grow: int, feather: int
) -> None:
    painted = np.zeros((48, 64), np.uint8)
    painted[8:30, 0:25] = 255  # touches the edge, where no feather may be
    painted[20:40, 40:55] = 255
    options = {"grow": grow, "feather": feather}
    job = {"data": painted.ravel().tolist(), "width": 64, "height": 48, "options": options}
    script = COMPOSITE.format(module=(JS / "distance.js").as_uri(), job=json.dumps(job))
    done = subprocess.run(
        [find_node(), "--no-warnings", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
    )
    preview = np.array(json.loads(done.stdout), np.uint8).reshape(painted.shape)
    composite = make_masks(painted, MaskParams(grow=grow, feather=feather), soft=False).composite
    # One grey level: the server divides in single precision before it rounds up.
    assert np.abs(preview.astype(int) - composite).max() <= 1
