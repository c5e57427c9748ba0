"""Versions are those that are installed; nothing is imported for them."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from genimg_ui import __version__
from genimg_ui.environment import base_versions, cpu_name, version, versions

ROOT = Path(__file__).resolve().parents[1]


def test_versions_are_the_installed_ones() -> None:
    assert versions("numba", "no-such-package") == {"numba": numba.__version__}
    base = base_versions()
    assert (base["genimg_ui"], base["numpy"]) == (__version__, np.__version__)
    assert base["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert base["opencv"] and base["pillow"]


def test_the_processor_has_a_name() -> None:
    assert cpu_name().strip() == cpu_name() != ""


def test_a_version_costs_no_import() -> None:
    code = (
        "import sys; from genimg_ui.environment import version;"
        " print(version('torch'), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [version("torch"), "False"]


STARTS = {
    "the page": "runpy.run_path('app.py', run_name='app')",
    "the command line": "sys.argv = ['genimg_ui', '--help']; runpy.run_module('genimg_ui')",
}


@pytest.mark.parametrize(
    ("start", "said"), [(STARTS["the page"], ""), (STARTS["the command line"], "ACTIVE")]
)
def test_openmp_threads_sleep_while_they_wait_unless_told_otherwise(start: str, said: str) -> None:
    told = "import atexit, os, runpy, sys; atexit.register(lambda: print("
    told += "os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules));"
    given = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    run = subprocess.run(
        [sys.executable, "-c", f"{told} {start}"],
        env=given | ({"OMP_WAIT_POLICY": said} if said else {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split()[-2:] == [said or "PASSIVE", "False"]
