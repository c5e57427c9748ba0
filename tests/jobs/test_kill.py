"""SIGKILL at random moments leaves nothing half; `benchmarks/kill.py` does it 200 times."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KILLS = 8


def test_nothing_shown_is_lost_and_nothing_is_half() -> None:
    command = [sys.executable, "benchmarks/kill.py", "--kills", str(KILLS), "--seed", "5", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["broken"] == []
    assert report["kills"] == sum(report["victims"].values()) == KILLS
    assert report["edits"] > 0 and report["shown"] > 0
