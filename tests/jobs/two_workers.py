"""One of two programs on one data folder, for `test_two_programs`: edits until none is left."""

import sys
from pathlib import Path

from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import session_id
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.runner import InlineRunner
from tests.editing import Desk, noise, painted, png, request

EDITS = 12  # that each program queues


def main() -> None:
    data, name = Path(sys.argv[1]), sys.argv[2]
    desk = Desk(data)
    queue = JobQueue(desk.store)
    runner = InlineRunner(queue, desk.editor)
    runner.start()
    inputs = desk.inputs(png(noise(40, 30)), painted(40, 30, (9, 9, 20, 20)))  # both put the same
    for number in range(EDITS):
        queue.enqueue(session_id(name * 32), request(seed=number), inputs)
        queue.enqueue(session_id("c" * 32), request(seed=number), inputs)
    while queue.waiting():
        try:
            runner.run_next()
        except RefusedInput as problem:  # the other one took the last job
            assert "must be one that waits" in str(problem)
    desk.close()


if __name__ == "__main__":
    main()
