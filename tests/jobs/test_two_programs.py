"""Two programs work on one data folder at the same time."""

import subprocess
import sys
from pathlib import Path

from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue, JobState
from tests.jobs.two_workers import EDITS

ROOT = Path(__file__).parents[2]


def test_two_programs_share_a_folder_and_lose_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"  # made by both at once
    command = [sys.executable, "-m", "tests.jobs.two_workers", str(data)]
    both = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("a", "b")]
    assert [program.wait(240) for program in both] == [0, 0]
    store = Store.open(data)
    for name, count in (("a", EDITS), ("b", EDITS), ("c", 2 * EDITS)):
        session = session_id(name * 32)
        lines = store.seed_log_path(session).read_text("utf-8").splitlines()
        logged = [read_line(line) for line in lines]
        assert len({entry.id for entry in logged}) == len(logged) == count
        assert {entry.state for entry in logged} == {EntryState.DONE}
        assert list(store.entries(session)) == logged
        assert {job.state for job in JobQueue(store).recent(session)} == {JobState.DONE}
        for entry in logged:
            assert store.result_path(entry.results[0].sha256).is_file()
    with store.database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()
