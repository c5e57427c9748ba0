"""Hand an edit over as a replay bundle, and open one that was handed over as the next edit.

A bundle is the claim of a stranger: its pictures are decoded like uploads, within the limits of
uploads (unless the very file is stored here), and its request is checked as if it had been typed.
"""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from genimg_ui.bundle import Bundle, bundle_name, pack, unpacked
from genimg_ui.core.image import Limits, stored_limits
from genimg_ui.core.resolve import Bounds
from genimg_ui.drafts import Draft, Mark, arrived, asked_for, restored
from genimg_ui.errors import UnknownItem
from genimg_ui.history.exports import ExportFolder
from genimg_ui.recall import Recall, Recalled
from genimg_ui.workspace import OpenPicture, Workspace

OPENED = "Picture, mask and settings of the bundle are here. Press Apply to run it."


def largest_bundle(limits: Limits, bounds: Bounds) -> int:
    """Bytes that a bundle of the page may have: its source as an upload, its result as stored."""
    return limits.max_bytes + stored_limits(limits, bounds).max_bytes


class Handover:
    """Bundles of one workspace."""

    def __init__(self, workspace: Workspace, recall: Recall) -> None:
        self._workspace = workspace
        self._recall = recall
        self._exports = ExportFolder(workspace.store.data_dir)
        self._largest = largest_bundle(workspace.limits, workspace.bounds)

    def bundle(self, session: str, entry_id: str, index: int) -> tuple[Path, str]:
        """Write the bundle of one result of this session: the file, and a name for it.

        Raises UnknownItem where the result or its source is gone, and RefusedInput where the
        bundle would be larger than `receive` takes.
        """
        store = self._workspace.store
        entry = self._workspace.entry(session, entry_id)

        def write(file: BinaryIO) -> None:
            pack(store, entry, file, index=index, max_bytes=self._largest)

        return self._exports.write(".zip", write, owner=f"bundle {session}"), bundle_name(
            entry, index
        )

    def receive(self, session: str, path: Path, *, page: str = "") -> Recalled:
        """Make the edit in a bundle this session's draft; raises RefusedInput."""
        workspace = self._workspace
        place = workspace.store.data_dir / "cache" / "bundles"
        with unpacked(path, place, max_bytes=self._largest) as bundle:
            entry = bundle.entry
            request, missing = self._recall.request_of(entry, workspace.draft(session))
            variants = max(1, len(entry.results))
            request = replace(request, sampling=replace(request.sampling, variants=variants))
            opened = self._opened(session, bundle, page)
            for ready in bundle.maps.values():
                workspace.make_sure_of_room(session, ready.stat().st_size)
                workspace.pictures.keep_map(session, ready)
            mask = None
            if bundle.mask is not None:
                mask = workspace.keep_mask(session, opened.sha256, bundle.mask, opened.size)
        self._recall.check(request, opened.sha256, mask)
        back = Draft(request=request, source=opened.sha256, mask=mask, mark=Mark(page=page))
        kept = workspace.change_draft(session, lambda draft: restored(draft, back))
        return Recalled(draft=kept, sentence=" ".join((OPENED, *missing)))

    def _opened(self, session: str, bundle: Bundle, page: str) -> OpenPicture:
        """The source as the draft's; one that is stored may be a result, larger than an upload."""
        workspace = self._workspace
        try:
            opened = workspace.picture(bundle.entry.inputs.source)
        except UnknownItem:
            return workspace.open_upload(session, bundle.source, page=page)
        turn = workspace.change_draft(session, lambda draft: asked_for(draft, None, page)).turn
        workspace.change_draft(session, lambda draft: arrived(draft, opened.sha256, turn))
        return opened
