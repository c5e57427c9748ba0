"""Ready control maps stay as long as an edit needs them, and are their session's own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from genimg_ui.core.request import ControlUnit, EditInputs, EditRequest
from genimg_ui.core.serial import to_json
from genimg_ui.drafts import Draft
from genimg_ui.errors import UnknownItem
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.ownership import own, owns
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue

MakeEntry = Callable[..., LogEntry]


def picture(name: str) -> bytes:
    return b"\x89PNG" + name.encode().ljust(996, b".")


def with_map(sha256: str) -> EditRequest:
    return EditRequest(controls=(ControlUnit(kind="depth", map=sha256),))


def there(store: Store, sha256: str) -> bool:
    try:
        return store.source_path(sha256).is_file()
    except UnknownItem:
        return False


def test_a_map_goes_with_the_last_result_that_needs_it(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    source, ready = store.put_source(picture("s")), store.put_source(picture("map"))
    results = [
        store.put_result(lambda file, n=name: file.write(picture(n)) and None) for name in "ab"
    ]
    for result in results:
        entry = make_entry(result, source=source)
        store.record(ann, replace(entry, request=with_map(ready)))
        assert owns(store.database, ann, ready)
    first, second = (entry.id for entry in store.entries(ann))
    store.delete(ann, first, 0)
    store.purge(ann)
    assert there(store, ready)
    store.delete(ann, second, 0)
    store.purge(ann)
    assert not there(store, ready)


def test_a_draft_keeps_its_map_and_gives_no_right_to_one(
    store: Store, ann: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genimg_ui.history.store.UPLOAD_HELD", 0.0)
    ready, spare = store.put_source(picture("map")), store.put_source(picture("spare"))
    for sha256 in (ready, spare):
        own(store.database, ann, sha256)
    for session in (ann, bob):
        store.save_draft(session, to_json(Draft(request=with_map(ready))))
    assert not owns(store.database, bob, ready)
    store.evict(DiskLimits(session_bytes=1000))
    assert (there(store, ready), there(store, spare)) == (True, False)


def test_the_map_of_another_session_is_refused(store: Store, ann: str, bob: str) -> None:
    source, ready = store.put_source(picture("s")), store.put_source(picture("map"))
    own(store.database, ann, ready)
    queue, inputs = JobQueue(store), EditInputs(source=source)
    with pytest.raises(UnknownItem, match="is not here: upload it again"):
        queue.enqueue(bob, with_map(ready), inputs)
    job = queue.job(ann, queue.enqueue(ann, with_map(ready), inputs))
    assert job.request.maps == (ready,)
    assert not queue.active(bob)


def test_a_waiting_edit_keeps_its_map(store: Store, ann: str) -> None:
    source, ready = store.put_source(picture("s")), store.put_source(picture("map"))
    own(store.database, ann, ready)
    JobQueue(store).enqueue(ann, with_map(ready), EditInputs(source=source))
    store.evict(DiskLimits(session_bytes=1))
    assert there(store, ready)


def test_a_new_index_knows_the_maps_of_old_logs(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    ready = store.put_source(picture("map"))
    result = store.put_result(lambda file: file.write(picture("r")) and None)
    entry = make_entry(result, source=store.put_source(picture("s")))
    store.record(ann, replace(entry, request=with_map(ready)))
    folder = store.data_dir
    store.close()
    for part in folder.glob("genimg.db*"):
        part.unlink()
    again = Store.open(folder)
    assert owns(again.database, ann, ready)
    again.close()
