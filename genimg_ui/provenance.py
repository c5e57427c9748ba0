"""What the log says of how an edit was made, put together from plan, engine and machine."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import BackendResult
from genimg_ui.backend.pool import FILL_SEED, BackendPool
from genimg_ui.core.mask import Mask
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.core.request import FillUnderMask
from genimg_ui.environment import cpu_name, versions
from genimg_ui.history.record import LogEntry
from genimg_ui.preparation import Prepared
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders


def asked_model(spec: ModelSpec) -> ModelRecord:
    """What is known of a model before its engine has answered."""
    source = spec.source if folders.is_hub_id(spec.source) else Path(spec.source).name
    return ModelRecord(
        id=spec.id,
        engine=spec.engine,
        family=spec.family,
        source=source,
        revision=spec.revision or "",
    )


def digests(prepared: Prepared, painted: Mask | None) -> dict[str, Any]:
    """The digests of everything that the engine is given, as fields of the entry."""
    job = prepared.job
    known: dict[str, Any] = {
        "painted_sha256": "" if painted is None else sha256_of(painted),
        "composite_sha256": sha256_of(prepared.composite),
        "denoise_sha256": sha256_of(job.mask),
        "control_sha256": tuple(sha256_of(control.image) for control in job.controls),
    }
    if job.filled is not job.image:
        known |= {"filled_sha256": sha256_of(job.filled), "fill_seed": FILL_SEED}
    return known


def made_with(
    entry: LogEntry, prepared: Prepared, result: BackendResult, pool: BackendPool
) -> dict[str, Any]:
    """Model, machine, versions and facts, as fields of the entry."""
    job = prepared.job
    model = result.model or entry.model or asked_model(job.spec)
    annotators = tuple(pool.annotator(control.unit) for control in job.controls)
    runtime = result.runtime or RuntimeRecord()
    uses_numba = job.filled is not job.image and (
        job.resolved.request.inpaint.fill is FillUnderMask.EXEMPLAR
    )
    return {
        "model": replace(model, parts=(*model.parts, *annotators)),
        "runtime": replace(runtime, cpu=runtime.cpu or cpu_name()),
        "executions": result.executions,
        "environment": {
            **entry.environment,
            **(versions("numba") if uses_numba else {}),
            **result.environment,
        },
        "facts": {**entry.facts, **result.facts},
        "fallbacks": (*entry.fallbacks, *result.fallbacks),
    }


def sha256_of(pixels: NDArray[np.uint8]) -> str:
    """64 hex digits over the bytes, row by row."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
