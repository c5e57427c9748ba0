"""Bring an edit back from a file that carries its entry: settings, and its pictures where they are.

The entry is the claim of a stranger. It names pictures by digest, and a digest opens nothing: only
what this session has had itself is brought back, or, where the page serves this machine alone,
what lies in the data folder. Everything else about the edit is checked as if it had been typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.request import EditRequest
from genimg_ui.drafts import Draft, Mark, restored
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.metadata import NoEntry, entry_from_file
from genimg_ui.history.names import check_sha256
from genimg_ui.history.ownership import own, owns
from genimg_ui.history.record import LogEntry
from genimg_ui.workspace import Workspace

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
ALL = "Picture, mask and settings of the edit in this file are back."
NO_SOURCE = (
    "The settings of the edit in this file are back. Its source and mask are not here: "
    "the picture in this file is the source."
)
NO_MASK = (
    "Picture and settings of the edit in this file are back. Its mask is not here: paint it again."
)
NO_MAP = "Its ready control maps are not here, so these controls are left out: {kinds}."
NO_MODEL = "Its model {model!r} is not here: {present!r} stays chosen."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The draft that an edit became again, and what of it could not be brought back."""

    draft: Draft
    sentence: str


class Recall:
    """Brings edits back into the sessions of one workspace."""

    def __init__(self, workspace: Workspace, *, local: bool) -> None:
        """`local`: the page listens to this machine alone, for one person."""
        self._workspace = workspace
        self._local = local

    def is_local(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from a browser on this machine, by no proxy: then whoever sent
        it may see the whole data folder anyway.
        """
        if not self._local or any(name in headers for name in PROXIED):
            return False
        return urlsplit(headers.get("origin", "")).hostname in LOOPBACK

    def carried(self, sha256: str) -> LogEntry | None:
        """The entry in a stored source, None without one; raises RefusedInput for a broken one."""
        try:
            return entry_from_file(self._workspace.store.source_path(sha256))
        except NoEntry:
            return None

    def recall(self, session: str, sha256: str, *, page: str = "", local: bool = False) -> Recalled:
        """Make the edit in the file `sha256`, which the session has opened, its draft.

        `local`: what `is_local` said of the request. Raises RefusedInput.
        """
        workspace = self._workspace
        draft = workspace.draft(session)
        draft.parent_of(sha256)  # a strange picture is refused
        entry = entry_from_file(workspace.store.source_path(sha256))
        request, sentences = self.request_of(entry, draft)
        request, lacking = self._with_own_maps(session, request, local=local)
        sentences += lacking
        inputs = entry.inputs
        mask, parent = None, None
        if self._has(session, inputs.source, local=local):
            source, parent = inputs.source, self._parent(session, entry)
            if inputs.mask is not None and self._has(session, inputs.mask, local=local, mask=True):
                mask = inputs.mask
            elif inputs.mask is not None:
                sentences.insert(0, NO_MASK)
        else:
            source, request = sha256, replace(request, border=Sides())
            sentences.insert(0, NO_SOURCE)
        if not sentences or sentences[0] not in (NO_MASK, NO_SOURCE):  # the others follow
            sentences.insert(0, ALL)
        self.check(request, source, mask)
        back = Draft(request=request, source=source, mask=mask, parent=parent, mark=Mark(page=page))
        kept = workspace.change_draft(session, lambda draft: restored(draft, back))
        return Recalled(draft=kept, sentence=" ".join(sentences))

    def check(self, request: EditRequest, source: str, mask: str | None) -> None:
        """Refuse what could not be asked for on the page either."""
        size = self._workspace.picture(source).size
        painted = self._workspace.pictures.mask(mask)
        if painted is not None and painted.shape != (size.height, size.width):
            got = Size(painted.shape[1], painted.shape[0])
            raise RefusedInput(f"The mask must be as large as the picture ({size}), got {got}.")
        self._workspace.findings(request, size, mask)

    def request_of(self, entry: LogEntry, draft: Draft) -> tuple[EditRequest, list[str]]:
        """What was asked for, with the seed of the file's own variant and a model that is here."""
        seed = entry.results[0].seed if entry.results else entry.request.sampling.seed
        sampling = replace(entry.request.sampling, seed=seed, variants=1)
        request = replace(entry.request, sampling=sampling)
        try:
            self._workspace.model(request)
        except RefusedInput:
            present = draft.request.model
            sentence = NO_MODEL.format(model=request.model[:80], present=present)
            sampling = replace(sampling, scheduler="default")
            return replace(request, model=present, sampling=sampling, controls=()), [sentence]
        return request, []

    def _with_own_maps(
        self, session: str, request: EditRequest, *, local: bool
    ) -> tuple[EditRequest, list[str]]:
        """The request without controls whose ready map this session may not have."""
        kept = []
        for unit in request.controls:
            if unit.map is None or self._has(session, unit.map, local=local):
                kept.append(unit)
        for unit in kept:
            if unit.map is not None:  # of a page for this machine alone: from now on its own
                own(self._workspace.store.database, session, unit.map)
        gone = [unit.kind for unit in request.controls if unit not in kept]
        said = [NO_MAP.format(kinds=", ".join(gone))] if gone else []
        return replace(request, controls=tuple(kept)), said

    def _has(self, session: str, sha256: str, *, local: bool, mask: bool = False) -> bool:
        """Whether a picture is there, and this session may have it."""
        store = self._workspace.store
        try:
            check_sha256(sha256)
            (store.mask_path if mask else store.source_path)(sha256)
        except (UnknownItem, RefusedInput):
            return False
        return local or owns(store.database, session, sha256)

    def _parent(self, session: str, entry: LogEntry) -> str | None:
        """The entry of which the source is a result, where it is this session's."""
        if entry.parent is None:
            return None
        try:
            parent = self._workspace.entry(session, entry.parent)
        except UnknownItem:
            return None
        made = {record.sha256 for record in parent.results}
        return parent.id if entry.inputs.source in made else None
