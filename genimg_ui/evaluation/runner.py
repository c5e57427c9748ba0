"""Runs every case with every model through the app's own editor, and scores the results.

One model after the other, so that its weights are read once. A case is an ordinary edit: its
entry goes into the seed log of the evaluation's own store, and its id follows from the run, the
model and the case, so that what a kill left is found again. A case that failed is tried again,
under an id of its own, when the folder is gone on with.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from typing import Protocol as Shape

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.image import decode
from genimg_ui.core.request import EditGroup, EditInputs, EditRequest
from genimg_ui.core.serial import to_json
from genimg_ui.editor import Editor
from genimg_ui.errors import Cancelled, RefusedInput, UnknownItem
from genimg_ui.evaluation.folder import CaseRecord, EvaluationFolder, RunRecord, file_of
from genimg_ui.evaluation.metrics.base import Pair, Score, SetScore, Unavailable, Undefined
from genimg_ui.evaluation.progress import Progress
from genimg_ui.evaluation.protocol import Protocol, apply_parameters
from genimg_ui.evaluation.staging import Stage, Staged
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.registry import ModelSpec, first_request

BATCH = 8  # cases that are scored, written and synced together
Done = dict[tuple[str, int], CaseRecord]  # by model and case


class Scorer(Shape):
    """What computes the metrics (`metrics.scoring`, behind which torch is)."""

    @property
    def unavailable(self) -> tuple[Unavailable, ...]: ...

    def score(self, pairs: Sequence[Pair]) -> list[dict[str, Score]]: ...

    def score_set(self, pairs: Iterable[Pair]) -> dict[str, SetScore]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What edits: `store` is the evaluation's own, `release` frees a model's memory."""

    editor: Editor
    store: Store
    session: str
    release: Callable[[], None]


class Runner:
    """Brings a folder from wherever it is to all cases of all models.

    `own` are parameters of single models, by their ids, over those of the protocol.
    """

    def __init__(
        self,
        protocol: Protocol,
        run: RunRecord,
        folder: EvaluationFolder,
        bench: Bench,
        scorer: Scorer,
        *,
        own: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._protocol = protocol
        self._own = own or {}
        self._run = run
        self._folder = folder
        self._bench = bench
        self._scorer = scorer

    def cases(
        self,
        specs: Sequence[ModelSpec],
        staged: Sequence[Staged],
        stage: Stage,
        progress: Progress,
        *,
        cancel: CancelToken,
    ) -> Done:
        """Every case of every model, by model and case in their order.

        Raises Cancelled once `cancel` was called, and RefusedInput where a model's weights are not
        those of its cases until now.
        """
        kept = {(r.model, r.case): r for r in self._folder.cases() if r.done}
        found: Done = {}
        for spec in specs:
            open_cases = [one for one in staged if (spec.id, one.case.index) not in kept]
            progress.begin(spec.id, len(staged) - len(open_cases))
            for batch in _batches(open_cases):
                cancel.check()
                records = self._batch(spec, batch, stage, cancel)
                self._keep(records, kept)
                kept |= {(record.model, record.case): record for record in records}
                progress.ran(len(batch))
            found |= {key: kept[key] for key in ((spec.id, one.case.index) for one in staged)}
            self._bench.release()
        return found

    def set_scores(
        self, spec: ModelSpec, staged: Sequence[Staged], stage: Stage, done: Done
    ) -> dict[str, SetScore]:
        """The metrics of all results of a model together."""
        records = [done[spec.id, one.case.index] for one in staged]
        if not any(record.done for record in records):
            return {}
        return self._scorer.score_set(
            self._pair(one, stage, record.result)
            for one, record in zip(staged, records, strict=True)
            if record.done
        )

    def _batch(
        self, spec: ModelSpec, batch: Sequence[Staged], stage: Stage, cancel: CancelToken
    ) -> list[CaseRecord]:
        entries = [self._edit(spec, one, cancel) for one in batch]
        made = [(one, e) for one, e in zip(batch, entries, strict=True) if e.results]
        scores = self._scorer.score(
            [self._pair(one, stage, entry.results[0].sha256) for one, entry in made]
        )
        scored = {one.case.index: score for (one, _), score in zip(made, scores, strict=True)}
        return [
            _record(spec, one, entry, scored.get(one.case.index, {}))
            for one, entry in zip(batch, entries, strict=True)
        ]

    def _keep(self, records: Sequence[CaseRecord], kept: Done) -> None:
        """Pictures first, then the lines, which count."""
        for record in records:
            _check_weights(record, kept)
            if record.done:
                source = self._bench.store.result_path(record.result)
                self._folder.put_picture(record.case, file_of(record.model), source)
        self._folder.append(records)

    def _edit(self, spec: ModelSpec, staged: Staged, cancel: CancelToken) -> LogEntry:
        """The entry of one case, from before a kill where there is one with a result."""
        index, store = staged.case.index, self._bench.store
        place = f"{self._run.id}-{list(self._run.models).index(spec.id)}-{index:04d}"
        for attempt in count(1):
            entry_id = place if attempt == 1 else f"{place}-{attempt}"
            try:
                made = store.entry(entry_id)
            except UnknownItem:
                break
            if made.results:
                return made
        cell = {"model": spec.id, "case": str(index)}
        group = EditGroup(id=self._run.id, cell=cell, position=index)
        entry = self._bench.editor.apply(
            case_request(self._protocol, spec, staged, self._own.get(spec.id)),
            EditInputs(source=staged.source, mask=staged.mask, group=group),
            entry_id=entry_id,
            on_event=lambda _: None,
            cancel=cancel,
        )
        if entry.state is EntryState.CANCELLED:
            raise Cancelled
        store.record(self._bench.session, entry)
        return entry

    def _pair(self, staged: Staged, stage: Stage, result: str) -> Pair:
        return Pair(
            result=decode(self._bench.store.result_path(result)).rgb(),
            original=stage.original(staged),
            mask=stage.mask(staged),
            prompt=staged.case.prompt,
        )


def case_request(
    protocol: Protocol, spec: ModelSpec, staged: Staged, own: Mapping[str, Any] | None = None
) -> EditRequest:
    """What a model is asked for: its own recommended values, the protocol's, prompt and seed.

    `own` are parameters of this model alone, over the protocol's. A model that reads no prompt
    gets none, so that one protocol serves all models.
    """
    parameters = {**protocol.parameters, **(own or {})}
    request = apply_parameters(replace(protocol, parameters=parameters), first_request(spec))
    prompt = staged.case.prompt if spec.uses_prompt else ""
    sampling = replace(request.sampling, prompt=prompt, seed=staged.case.seed, variants=1)
    return replace(request, sampling=sampling)


def _record(
    spec: ModelSpec, staged: Staged, entry: LogEntry, scores: Mapping[str, Score]
) -> CaseRecord:
    case = staged.case
    made = entry.results[0] if entry.results else None
    return CaseRecord(
        case=case.index,
        model=spec.id,
        picture=case.picture,
        mask_kind=case.mask_kind,
        mask_seed=case.mask_seed,
        prompt=case.prompt,
        seed=case.seed,
        entry=entry.id,
        state=entry.state,
        error=entry.error,
        source=staged.source,
        mask=staged.mask,
        result=made.sha256 if made else "",
        pixels_sha256=made.pixels_sha256 if made else "",
        model_digest=_model_digest(entry) if made else "",
        report=made.report if made else None,
        scores={name: s for name, s in scores.items() if not isinstance(s, Undefined)},
        undefined={n: s.sentence for n, s in scores.items() if isinstance(s, Undefined)},
        seconds=entry.timings.get("generate", 0.0),
    )


def _model_digest(entry: LogEntry) -> str:
    """One digest of the model and every file of weights that the entry names."""
    return hashlib.sha256(json.dumps(to_json(entry.model), sort_keys=True).encode()).hexdigest()


def _check_weights(record: CaseRecord, kept: Done) -> None:
    """Refuse cases of one model that were made with different weights or engines."""
    before = next((r for r in kept.values() if r.model == record.model and r.model_digest), None)
    if before is None or not record.model_digest or before.model_digest == record.model_digest:
        return
    raise RefusedInput(
        f"The weights of {record.model} must be those of its earlier cases in this folder, and "
        "they have changed since.",
        remedy="Choose another folder with --out.",
    )


def _batches(items: Sequence[Staged]) -> Iterator[Sequence[Staged]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
