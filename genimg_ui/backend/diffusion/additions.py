"""What an edit adds to its model for its own time: LoRAs, embeddings, references, weighted texts.

Everything is taken off again before it could reach another edit: at once, or, for what is slow to
put on, when the next edit asks for something else (`worn`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from genimg_ui.backend.base import BackendJob
from genimg_ui.backend.diffusion.embeddings import embeddings_loaded
from genimg_ui.backend.diffusion.loras import loras_worn
from genimg_ui.backend.diffusion.memo import remembered
from genimg_ui.backend.diffusion.models import Models
from genimg_ui.backend.diffusion.pipelines import Loaded
from genimg_ui.backend.diffusion.references import read_encoder, references_attached
from genimg_ui.backend.diffusion.steering import Steer
from genimg_ui.backend.diffusion.t2i_adapters import Adapted, adapter_steers
from genimg_ui.backend.diffusion.tuning import unfused
from genimg_ui.backend.diffusion.weighting import weighted_prompts
from genimg_ui.backend.diffusion.worn import Worn
from genimg_ui.backend.weight_records import control_record
from genimg_ui.core.memory import Offload
from genimg_ui.core.provenance import PartRecord
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes


@dataclass(frozen=True, slots=True)
class Added:
    """What the additions of one edit bring: to its calls, and to its record.

    `extras` are arguments of the pipeline, `fallbacks` sentences about what was read in another way
    than was asked for, `libraries` those whose versions matter, `state` what has changed in the
    text encoders.
    """

    extras: Mapping[str, Any]
    steers: tuple[Steer, ...]
    records: tuple[PartRecord, ...]
    fallbacks: tuple[str, ...]
    libraries: tuple[str, ...]
    state: tuple[Any, ...]


class Additions:
    """Puts them on; `models` keeps what is large and may be asked for again."""

    def __init__(self, hashes: WeightHashes, models: Models) -> None:
        self._hashes = hashes
        self._models = models

    @contextmanager
    def put_on(
        self, loaded: Loaded, pipe: Any, adapted: Adapted, watch: OnFetching
    ) -> Iterator[Added]:
        """The model with the job's additions, while the block runs.

        `pipe` is the one that samples: the model's own, or its twin with ControlNets.
        """
        job, family, hashes = adapted.job, loaded.family, self._hashes
        request = job.resolved.request
        texts = (request.sampling.prompt, request.sampling.negative_prompt)
        recorded = None if job.again is None else job.again.embeddings
        keep = loaded.offload is Offload.NONE  # else hooks would move what stays
        worn = loaded.worn if keep else Worn()
        changed = bool(request.loras or job.references)
        encoder = partial(self._encoder, loaded, job)
        with (
            unfused(family.denoiser(pipe), loaded.tuning, needed=changed),
            loras_worn(
                loaded.pipe, job.spec, request.loras, hashes, watch, worn=loaded.worn, keep=keep
            ) as loras,
            embeddings_loaded(pipe, job.spec, texts, hashes, watch, recorded=recorded) as words,
            references_attached(
                family, pipe, job, hashes, encoder, watch=watch, worn=worn
            ) as referred,
        ):
            prompts = _prompts(loaded, pipe, job, (loras, words))
            adapters = adapter_steers(family, pipe, job, adapted.inputs)
            maps, sentences = self._adapters(job, adapted)
            yield Added(
                extras={**prompts, **referred.extras},
                steers=(*referred.steers, *adapters),
                records=(*loras, *words, *referred.records, *maps),
                fallbacks=sentences,
                libraries=_libraries(loras, prompts),
                state=(loras, words),
            )

    def _encoder(self, loaded: Loaded, job: BackendJob, folder: Path) -> torch.nn.Module:
        """The image encoder of a folder, kept where the model's own weights lie."""
        whole = loaded.offload is Offload.NONE
        place = loaded.family.place(loaded.pipe) if whole else torch.device("cpu")
        dtype = loaded.family.dtype(loaded.pipe)
        read = partial(read_encoder, folder, place, dtype)
        return self._models.encoder(job.spec, (folder, place, dtype), read)

    def _adapters(
        self, job: BackendJob, adapted: Adapted
    ) -> tuple[tuple[PartRecord, ...], tuple[str, ...]]:
        """The records of the T2I-Adapters, and what of them was not as models.yaml asks for."""
        records: list[PartRecord] = []
        sentences: dict[str, None] = {}
        for kind in dict.fromkeys(control.unit.kind for control in adapted.inputs):
            record, told = control_record(job.spec, kind, self._hashes, what="T2I-Adapter")
            records.append(replace(record, role="t2i_adapter"))
            sentences |= dict.fromkeys(told)
        return tuple(records), tuple(sentences)


def _prompts(
    loaded: Loaded,
    pipe: Any,
    job: BackendJob,
    state: tuple[tuple[PartRecord, ...], tuple[PartRecord, ...]],
) -> dict[str, Any]:
    """The texts as the pipeline takes them, read with their weights; {} where it reads them itself.

    `state` are the LoRAs and the embeddings.
    """
    sampling = job.resolved.request.sampling
    if not sampling.prompt_weighting:
        return {}
    with remembered(pipe, loaded.memo, state):
        return weighted_prompts(loaded.family, pipe, sampling, inversions=bool(state[1]))


def _libraries(loras: tuple[PartRecord, ...], prompts: Mapping[str, Any]) -> tuple[str, ...]:
    used = {"peft": bool(loras), "compel": bool(prompts)}
    return tuple(name for name, part in used.items() if part)
